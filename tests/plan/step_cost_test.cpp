// A step's work on a GPU: counted by the code that would ask for it, and timed by rates.
#include "strata/plan/step_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "strata/base/check.h"
#include "strata/nn/of_config.h"
#include "strata/plan/run_cost.h"
#include "support/errors.h"

namespace strata::plan {
namespace {

using kernels::Launch;
using testing::HasSubstr;

config::RunConfig config_71m() {
  config::RunConfig config;  // its model is 71m
  config.norm.scheme = "pre+gpas";
  config.train.global_batch = 512;
  config.train.micro_batch = 32;
  config.train.precision = config::Precision::kMixed;
  return config;
}

double flops_of(const std::vector<Launch>& work) {
  double flops = 0.0;
  for (const Launch& launch : work) flops += launch.m > 0 ? launch.flops : 0.0;
  return flops;
}

int64_t launches_of(const std::vector<Launch>& work, const std::string& kernel) {
  int64_t launches = 0;
  for (const Launch& launch : work) launches += launch.kernel == kernel ? launch.launches : 0;
  return launches;
}

// Products of a forward and backward pass: three for every weight, of every token.
TEST(StepWork, HasTheModelsProducts) {
  const config::RunConfig config = config_71m();
  const StepWork work = count_step(config, nn::describe(config));
  EXPECT_EQ(work.tokens, 32 * 256);
  EXPECT_EQ(work.micro_batches, 16);
  const double weights = 12.0 * (4.0 * 512 * 512 + 3.0 * 512 * 1368);
  const double head = 32000.0 * 512;
  const double scored = 32.0 * 255;
  EXPECT_DOUBLE_EQ(flops_of(work.micro_batch), 6.0 * (weights * 32 * 256 + head * scored));
  EXPECT_EQ(flops_of(work.rest), 0.0);
  EXPECT_EQ(flops_of(work.update), 0.0);
}

// Nobody adds a launch unseen: what a layer of a pre-norm model with gates costs, and what a step does besides.
TEST(StepWork, OfALayerIsSoManyLaunches) {
  const auto launches = [](int64_t layers) {
    config::RunConfig config = config_71m();
    config.model.layers = layers;
    return plan::launches_of(count_step(config, nn::describe(config)).micro_batch);
  };
  EXPECT_EQ(launches(3) - launches(2), 29);
  EXPECT_EQ(launches(12) - launches(11), 29);
}

TEST(StepWork, OfTheHeadIsByChunks) {
  config::RunConfig config = config_71m();
  const auto head = [&](int64_t chunk) {
    config.train.loss_chunk = chunk;
    const StepWork work = count_step(config, nn::describe(config));
    return launches_of(work.micro_batch, "cross-entropy");
  };
  EXPECT_EQ(head(256), 32);  // of 8,160 positions
  EXPECT_EQ(head(4096), 2);
  EXPECT_EQ(head(config::TrainConfig::kLossChunkOfDevice), 2);
}

// Every element's gradient, moments and value, and the compute copy in bf16.
TEST(StepWork, UpdatesEveryParameterOnce) {
  const config::RunConfig config = config_71m();
  const nn::ModelSpec spec = nn::describe(config);
  double bytes = 0.0;
  for (const Launch& launch : count_step(config, spec).update) bytes += launch.kernel == "adam" ? launch.bytes : 0.0;
  EXPECT_NEAR(bytes, 30.0 * static_cast<double>(spec.layout.count()), 1e-4 * bytes);
}

// Its products, and nothing that is not counted.
TEST(StepWork, HasMuonsProducts) {
  config::RunConfig config = config_71m();
  config.optimizer.kind = config::OptimizerKind::kMuon;
  const nn::ModelSpec spec = nn::describe(config);
  const StepWork work = count_step(config, spec);
  EXPECT_DOUBLE_EQ(flops_of(work.update), cost_of(config, spec).update);
  EXPECT_EQ(launches_of(work.update, "gemm"), 12 * 7 * 15);
  for (const Launch& launch : work.update) EXPECT_GT(launch.bytes, 0.0) << launch.kernel;
  const StepTime time = time_step(work, device_rates("h100"), config, spec);
  EXPECT_GT(time.update, flops_of(work.update) / device_rates("h100").bf16);
  config.parallel.zero = 1;
  const StepTime shared = time_step(count_step(config, spec, 4), device_rates("h100"), config, spec, 4);
  EXPECT_DOUBLE_EQ(shared.update, time.update / 4);
}

TEST(StepWork, KnowsEveryOperationOfAten) {
  for (const char* scheme : {"post", "pre+gpas", "sandwich+gpas", "deepnorm", "mix+gpas", "lns"}) {
    for (const config::Precision precision :
         {config::Precision::kMixed, config::Precision::kBf16, config::Precision::kFp32}) {
      config::RunConfig config = config_71m();
      config.norm.scheme = scheme;
      config.model.layers = 3;
      config.train.precision = precision;
      const StepWork work = count_step(config, nn::describe(config));
      for (const auto* part : {&work.micro_batch, &work.rest, &work.update}) {
        for (const Launch& launch : *part) EXPECT_GT(launch.bytes, 0.0) << scheme << ": " << launch.kernel;
      }
    }
  }
}

TEST(StepTime, FallsWithARatesRise) {
  const config::RunConfig config = config_71m();
  const nn::ModelSpec spec = nn::describe(config);
  const StepWork work = count_step(config, spec);
  const double a100 = time_step(work, device_rates("a100"), config, spec).step;
  const double h100 = time_step(work, device_rates("h100"), config, spec).step;
  const double h200 = time_step(work, device_rates("h200"), config, spec).step;
  EXPECT_GT(a100, 1.5 * h100);
  EXPECT_GT(h100, h200);
  double of_phases = 0.0;
  const StepTime time = time_step(work, device_rates("h100"), config, spec);
  for (const auto& [phase, seconds] : time.phases) of_phases += seconds;
  EXPECT_NEAR(of_phases, time.micro_batch, 1e-9);
  EXPECT_NEAR(time.step, 16 * time.micro_batch + time.rest + time.update, 1e-9);
  // No faster than its products at the best rate.
  EXPECT_GT(time.step, 16 * flops_of(work.micro_batch) / device_rates("h100").bf16);
}

TEST(StepTime, OfSeveralWorkersHasWhatTravels) {
  config::RunConfig config = config_71m();
  const nn::ModelSpec spec = nn::describe(config);
  const StepTime h100 = time_step(count_step(config, spec, 8), device_rates("h100"), config, spec, 8);
  const StepTime h800 = time_step(count_step(config, spec, 8), device_rates("h800"), config, spec, 8);
  const double bytes = 4.0 * static_cast<double>(spec.trained.arena_size);
  EXPECT_NEAR(h100.communication, 2.0 * bytes * 7 / 8 / device_rates("h100").link, 1e-9);
  EXPECT_GT(h800.communication, 2.0 * h100.communication);
  EXPECT_GE(h800.exposed, h100.exposed);
}

TEST(Devices, AreNamedWhereOneIsUnknown) {
  EXPECT_THAT(test::error_of([] { device_rates("h1000"); }), HasSubstr("known: a100 a800 h100 h200 h800"));
}

}  // namespace
}  // namespace strata::plan
