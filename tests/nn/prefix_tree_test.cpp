// Rows that continue others give the bits of rows of their own, whatever else is in the batch.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <random>

#include "strata/data/prefix_tree.h"
#include "support/models.h"

namespace strata::test {
namespace {

constexpr int64_t kLongest = 400;

// A few-shot prompt that many share, contexts behind it, choices behind those; some stand alone.
std::vector<data::ScoredRow> questions(int64_t vocab, uint32_t seed) {
  std::mt19937 random(seed);
  const auto some = [&](size_t count) {
    std::vector<int32_t> ids(count);
    for (int32_t& id : ids) id = static_cast<int32_t>(random() % static_cast<uint32_t>(vocab));
    return ids;
  };
  std::vector<data::ScoredRow> rows;
  for (const size_t shots : {0, 71, 160}) {
    const std::vector<int32_t> prompt = some(shots);
    for (const size_t context : {1, 17, 80, 150}) {
      std::vector<int32_t> asked = prompt;
      std::ranges::copy(some(context), std::back_inserter(asked));
      for (const size_t choice : {1, 2, 30, 75}) {
        data::ScoredRow row{.ids = asked, .targets = some(choice)};
        row.ids.insert(row.ids.end(), row.targets.begin(), row.targets.end() - 1);
        rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

class PrefixTreeModel : public testing::TestWithParam<std::tuple<std::string, config::Precision>> {
 protected:
  PrefixTreeModel() {
    config::NormConfig norm;
    norm.scheme = std::get<0>(GetParam());
    nn::ModelOptions options{.precision = std::get<1>(GetParam()),
                             .limits = {.max_tokens = 8192, .longest_row = kLongest, .trees = true},
                             .gradients = false};
    model_.emplace(nn::describe(tiny_dims(), norm), options, "tiles");
    randomise(model_->model.parameters(), 5);
  }

  std::optional<TestModel> model_;
};

TEST_P(PrefixTreeModel, SameBitsAsRowsOfTheirOwn) {
  nn::Model& model = model_->model;
  const int64_t vocab = tiny_dims().vocab;
  const auto rows = questions(vocab, 3);
  const at::Tensor together = model.losses_T(data::prefix_tree(rows, vocab)).clone();
  ASSERT_TRUE(at::equal(together, model.losses_T(data::separate_rows(rows, vocab)).clone()));
  int64_t scored = 0;
  for (const data::ScoredRow& row : rows) {
    const auto count = static_cast<int64_t>(row.targets.size());
    const at::Tensor alone = model.losses_T(data::prefix_tree({&row, 1}, vocab)).clone();
    EXPECT_TRUE(at::equal(alone, together.narrow(0, scored, count)));
    scored += count;
  }
  EXPECT_EQ(scored, together.numel());
}

TEST_P(PrefixTreeModel, SharesMostOfTheTokens) {
  const auto rows = questions(tiny_dims().vocab, 3);
  const auto tree = data::prefix_tree(rows, tiny_dims().vocab);
  EXPECT_LT(3 * tree.num_tokens(), data::separate_rows(rows, tiny_dims().vocab).num_tokens());
}

INSTANTIATE_TEST_SUITE_P(All, PrefixTreeModel,
                         testing::Combine(testing::Values("pre+gpas", "post", "sandwich+gpas", "deepnorm+gpas"),
                                          testing::Values(config::Precision::kFp32, config::Precision::kBf16)));

}  // namespace
}  // namespace strata::test
