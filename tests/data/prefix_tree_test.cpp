#include "strata/data/prefix_tree.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "support/errors.h"

namespace strata::data {
namespace {

using testing::ElementsAre;

template <class T>
std::vector<T> values(const at::Tensor& tensor) {
  const auto* data = tensor.const_data_ptr<T>();
  return {data, data + tensor.numel()};
}

// The ids from the root to this position of the batch.
std::vector<int64_t> way_to(const TokenBatch& tree, int64_t place) {
  int64_t row = 0;
  while (tree.row_starts[static_cast<size_t>(row) + 1] <= place) ++row;
  std::vector<int64_t> ids;
  int64_t end = place - tree.row_starts[static_cast<size_t>(row)] + 1 + tree.row_offsets[static_cast<size_t>(row)];
  for (; row >= 0; row = tree.row_parents[static_cast<size_t>(row)]) {
    const int64_t offset = tree.row_offsets[static_cast<size_t>(row)];
    for (int64_t position = end - 1; position >= offset; --position) {
      const int64_t at = tree.row_starts[static_cast<size_t>(row)] + position - offset;
      EXPECT_EQ(tree.positions_N[at].item<int32_t>(), position);
      ids.push_back(tree.tokens_N[at].item<int64_t>());
    }
    end = std::min(end, offset);
  }
  std::ranges::reverse(ids);
  return ids;
}

TEST(PrefixTree, LaysOutWhatRowsShareOnce) {
  const std::vector<ScoredRow> rows{{{5, 6, 7, 8}, {1, 2}}, {{5, 6, 9}, {3}}, {{4}, {4}}, {{5, 6, 9}, {7}}};
  const TokenBatch tree = prefix_tree(rows, 10);
  EXPECT_THAT(values<int64_t>(tree.tokens_N), ElementsAre(4, 5, 6, 7, 8, 9));
  EXPECT_THAT(values<int32_t>(tree.positions_N), ElementsAre(0, 0, 1, 2, 3, 2));
  EXPECT_THAT(tree.row_starts, ElementsAre(0, 1, 5, 6));
  EXPECT_THAT(tree.row_parents, ElementsAre(-1, -1, 1));
  EXPECT_THAT(tree.row_offsets, ElementsAre(0, 0, 2));
  EXPECT_THAT(values<int64_t>(tree.loss_positions_T), ElementsAre(3, 4, 5, 0, 5));
  EXPECT_THAT(values<int64_t>(tree.targets_T), ElementsAre(1, 2, 3, 4, 7));
  EXPECT_EQ(tree.longest_row, 4);
  EXPECT_EQ(tree.num_targets(), 5);
}

TEST(PrefixTree, EveryScoredPositionEndsTheWayOfItsRow) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<ScoredRow> rows(1 + random() % 12);
    for (ScoredRow& row : rows) {
      for (size_t length = 1 + random() % 9; row.ids.size() < length;)
        row.ids.push_back(static_cast<int32_t>(random() % 3));
      row.targets.resize(random() % (row.ids.size() + 1));
      for (int32_t& target : row.targets) target = static_cast<int32_t>(random() % 3);
    }
    const TokenBatch tree = prefix_tree(rows, 3);
    int64_t scored = 0;
    for (const ScoredRow& row : rows) {
      for (size_t t = row.ids.size() - row.targets.size(); t < row.ids.size(); ++t, ++scored) {
        const std::vector<int64_t> expected(row.ids.begin(), row.ids.begin() + static_cast<int64_t>(t) + 1);
        EXPECT_EQ(way_to(tree, tree.loss_positions_T[scored].item<int64_t>()), expected);
        EXPECT_EQ(tree.targets_T[scored].item<int64_t>(), row.targets[t + row.targets.size() - row.ids.size()]);
      }
    }
    EXPECT_EQ(scored, tree.num_scored());
  }
}

TEST(PrefixTree, SeparateRowsAreAsGiven) {
  const std::vector<ScoredRow> rows{{{5, 6}, {1}}, {{5, 6}, {2, 3}}};
  const TokenBatch batch = separate_rows(rows, 10);
  EXPECT_THAT(values<int64_t>(batch.tokens_N), ElementsAre(5, 6, 5, 6));
  EXPECT_THAT(batch.row_starts, ElementsAre(0, 2, 4));
  EXPECT_TRUE(batch.row_parents.empty());
  EXPECT_THAT(values<int64_t>(batch.loss_positions_T), ElementsAre(1, 2, 3));
}

TEST(PrefixTree, RefusesWhatIsNoRow) {
  EXPECT_THAT(test::error_of([] { prefix_tree({}, 10); }), testing::HasSubstr("at least one row"));
  EXPECT_THAT(test::error_of([] { prefix_tree(std::vector<ScoredRow>{{{}, {}}}, 10); }), testing::HasSubstr("empty"));
  EXPECT_THAT(test::error_of([] {
                prefix_tree(std::vector<ScoredRow>{{{3}, {10}}}, 10);
              }),
              testing::HasSubstr("id 10 is outside the vocabulary of 10"));
}

}  // namespace
}  // namespace strata::data
