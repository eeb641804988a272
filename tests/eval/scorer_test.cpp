#include "strata/eval/scorer.h"

#include <ATen/ops/log_softmax.h>

#include <numeric>

#include "strata/base/threads.h"
#include "support/asked.h"
#include "support/errors.h"
#include "support/workers.h"

namespace strata::eval {
namespace {

using strata::test::asked_items;
using strata::test::scoring_model;
using strata::test::TestModel;

constexpr int64_t kLongest = 128, kMaxTokens = 1024;

std::vector<LogLikelihoods> scores_of(nn::Model& model, const std::vector<AskedItem>& items,
                                      const std::vector<size_t>& order, const ScoringOptions& options,
                                      workers::Communicator& workers) {
  std::vector<const AskedItem*> asked;
  for (const size_t item : order) asked.push_back(&items[item]);
  std::vector<LogLikelihoods> scores(items.size());
  score(model, asked, options, workers,
        [&](size_t place, const LogLikelihoods& found) { scores[order[place]] = found; });
  return scores;
}

std::vector<size_t> in_order(size_t count) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  return order;
}

// Every request alone, the softmax by ATen in fp64.
double score_slowly(nn::Model& model, const Request& request, int64_t max_length) {
  const std::vector<int32_t> fed_ids = fed(request, max_length);
  const std::vector<int64_t> row(fed_ids.begin(), fed_ids.end());
  const at::Tensor logits = model.logits_NV(data::TokenBatch::from_rows({row}, nullptr, 200));
  const at::Tensor log_p = at::log_softmax(logits.to(at::kDouble), 1);
  double sum = 0.0;
  const int64_t scored = std::ssize(request.continuation);
  for (int64_t t = 0; t < scored; ++t) {
    sum += log_p[std::ssize(row) - scored + t][request.continuation[static_cast<size_t>(t)]].item<double>();
  }
  return sum;
}

TEST(Scorer, SumsLogProbabilitiesOfTheContinuation) {
  TestModel made = scoring_model({.max_tokens = kMaxTokens, .longest_row = kLongest, .trees = true});
  strata::test::randomise(made.model.parameters(), 3);
  const auto items = asked_items(12, 1);
  for (const int64_t max_length : {kLongest, int64_t{30}}) {
    const auto scores =
        scores_of(made.model, items, in_order(items.size()), {.max_length = max_length}, *workers::alone());
    for (size_t item = 0; item < items.size(); ++item) {
      ASSERT_EQ(scores[item].size(), items[item].choices.size());
      for (size_t choice = 0; choice < scores[item].size(); ++choice) {
        EXPECT_NEAR(scores[item][choice], score_slowly(made.model, items[item].choices[choice], max_length), 2e-5);
      }
    }
  }
}

TEST(Scorer, BitsDependNeitherOnBatchesNorOnOrderNorOnTrees) {
  TestModel made = scoring_model({.max_tokens = kMaxTokens, .longest_row = kLongest, .trees = true});
  strata::test::randomise(made.model.parameters(), 3);
  TestModel without_trees = scoring_model({.max_tokens = kMaxTokens, .longest_row = kLongest});
  strata::test::randomise(without_trees.model.parameters(), 3);
  const auto items = asked_items(40, 2);
  const auto order = in_order(items.size());
  const ScoringOptions plain{.max_length = kLongest};
  const auto expected = scores_of(made.model, items, order, plain, *workers::alone());
  for (const int64_t batch : {1, 2, 7, 40}) {
    const ScoringOptions options{.max_length = kLongest, .batch = batch};
    EXPECT_EQ(scores_of(made.model, items, order, options, *workers::alone()), expected);
  }
  EXPECT_EQ(scores_of(without_trees.model, items, order, plain, *workers::alone()), expected);
  std::vector<size_t> some(order.rbegin(), order.rbegin() + 25);
  const auto of_some = scores_of(made.model, items, some, plain, *workers::alone());
  for (const size_t item : some) EXPECT_EQ(of_some[item], expected[item]);
  const int threads = num_threads();
  set_num_threads(1);
  EXPECT_EQ(scores_of(made.model, items, order, plain, *workers::alone()), expected);
  set_num_threads(threads);
}

TEST(Scorer, BitsDoNotDependOnTheNumberOfWorkers) {
  const auto items = asked_items(23, 4);
  std::vector<LogLikelihoods> expected;
  for (const int world : {1, 2, 3}) {
    strata::test::as_workers(world, [&](workers::Communicator& workers) {
      TestModel made = scoring_model({.max_tokens = 400, .longest_row = kLongest, .trees = true});
      strata::test::randomise(made.model.parameters(), 5);
      const auto scores = scores_of(made.model, items, in_order(items.size()), {.max_length = kLongest}, workers);
      if (world == 1) {
        expected = scores;
      } else {
        EXPECT_EQ(scores, expected);  // on every worker
      }
    });
  }
}

TEST(Scorer, CountsWhatAnItemTakes) {
  const AskedItem item{.choices = {{{1, 2, 3}, {4}}, {{1, 2, 3}, {5, 6}}, {{1, 9}, {5, 6}}},
                       .choice_characters = {1, 1, 1},
                       .gold = 0,
                       .examples = {}};
  const ItemSize tree = size_of(item, kLongest, true);  // 1 2 3, 5 behind it, 9 5 behind the 1
  EXPECT_EQ(tree.tokens, 6);
  EXPECT_EQ(tree.targets, 5);
  EXPECT_EQ(tree.longest, 4);
  EXPECT_EQ(size_of(item, kLongest, false).tokens, 3 + 4 + 3);
  EXPECT_EQ(size_of(item, 2, true).longest, 2);
}

TEST(Scorer, RefusesWhatDoesNotFit) {
  TestModel made = scoring_model({.max_tokens = 64, .longest_row = 20, .trees = true});
  const auto items = asked_items(12, 1);
  const auto failure = strata::test::error_of(
      [&] { scores_of(made.model, items, in_order(items.size()), {.max_length = 64}, *workers::alone()); });
  EXPECT_THAT(failure, testing::HasSubstr("does not fit into batches of 64 tokens in rows of 20"));
}

}  // namespace
}  // namespace strata::eval
