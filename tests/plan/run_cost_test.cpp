#include "strata/plan/run_cost.h"

#include <gtest/gtest.h>

#include "support/models.h"

namespace strata::plan {
namespace {

RunCost cost(const config::RunConfig& config) { return cost_of(config, nn::describe(config.model, config.norm)); }

// By hand: 4 layers of hidden 40, feed-forward 43, 4 query and 2 key-value heads of 10; vocabulary 61; rows of 16.
TEST(RunCost, CountsWhatIsComputedAgain) {
  config::RunConfig config;
  config.model = strata::test::tiny_dims();
  config.data.sequence_length = 16;
  constexpr double kGateUp = 2 * 40 * 43, kDown = 40 * 43, kAttention = 40 * 10 * (4 + 2 + 2 + 4), kScores = 40 * 16;
  config.train.recompute = config::Recompute::kNone;
  EXPECT_EQ(cost(config).recomputed_per_token, 0.0);
  EXPECT_EQ(cost(config).flops_per_token, 6 * (4 * (kGateUp + kDown + kAttention + kScores) + 61 * 40));
  config.train.recompute = config::Recompute::kFfn;
  EXPECT_EQ(cost(config).recomputed_per_token, 2 * 4 * kGateUp);
  config.train.recompute = config::Recompute::kLayer;
  EXPECT_EQ(cost(config).recomputed_per_token, 2 * 4 * (kGateUp + kDown + kAttention + kScores));
}

TEST(RunCost, CountsTokensStepsAndBytes) {
  config::RunConfig config;
  config.model = strata::test::tiny_dims();
  config.data.sequence_length = 16;
  config.train.global_batch = 64;
  config.train.steps = 100;
  config.schedule.warmup_steps = 10;
  EXPECT_EQ(cost(config).tokens_per_step, 64 * 16);
  EXPECT_EQ(cost(config).steps, 100);
  const int64_t parameters = nn::describe(config.model, config.norm).layout.count();
  EXPECT_EQ(cost(config).checkpoint_bytes, 12 * parameters);
  config.train.precision = config::Precision::kBf16;
  EXPECT_EQ(cost(config).checkpoint_bytes, 6 * parameters);
}

// Of each matrix five steps of three products; the feed-forward's have 43 rows or columns, and zeros up to 64.
TEST(RunCost, CountsMuonsProductsAndStates) {
  config::RunConfig config;
  config.model = strata::test::tiny_dims();
  config.optimizer.kind = config::OptimizerKind::kMuon;
  const auto products = [](double n, double count) { return 5.0 * (4.0 * n * count + 2.0 * n * n * n); };
  const double of_layer = 2 * products(40, 40 * 40) + 2 * products(20, 20 * 40) + 3 * products(40, 40 * 64);
  EXPECT_EQ(cost(config).update, 4 * of_layer);
  config.optimizer.kind = config::OptimizerKind::kAdamw;
  EXPECT_EQ(cost(config).update, 0.0);
}

TEST(RunCost, CountsTheStatesOfEveryOptimizer) {
  config::RunConfig config;
  config.model = strata::test::tiny_dims();
  const nn::ModelSpec spec = nn::describe(config.model, config.norm);
  int64_t matrices = 0;
  for (const ParamSpec& param : spec.layout.params) {
    matrices += param.role == ParameterRole::kLinear ? param.count() : 0;
  }
  const auto bytes = [&](config::OptimizerKind kind) {
    config.optimizer.kind = kind;
    return cost(config).checkpoint_bytes;
  };
  const int64_t parameters = spec.layout.count();
  EXPECT_EQ(bytes(config::OptimizerKind::kLion), 8 * parameters);
  EXPECT_EQ(bytes(config::OptimizerKind::kAdemamix), 16 * parameters);
  EXPECT_EQ(bytes(config::OptimizerKind::kMuon), 12 * parameters - 4 * matrices);
}

TEST(RunCost, CountsTheCheckpointsThatStay) {
  config::RunConfig config;
  config.schedule.warmup_steps = 10;
  config.train.steps = 100;
  config.checkpoint = {.every = 10};
  EXPECT_EQ(cost(config).kept_checkpoints, 10);
  EXPECT_TRUE(cost(config).keeps_all);
  config.checkpoint.keep = 2;
  EXPECT_EQ(cost(config).kept_checkpoints, 2);
  config.checkpoint.keep_every = 50;
  EXPECT_EQ(cost(config).kept_checkpoints, 4);
  config.checkpoint = {.every = 0};
  EXPECT_EQ(cost(config).kept_checkpoints, 1);
}

}  // namespace
}  // namespace strata::plan
