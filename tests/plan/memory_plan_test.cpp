// The plan is the run's own layout: what it says is what is allocated, byte for byte, for every worker.
#include "strata/plan/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/base/text.h"
#include "strata/nn/of_config.h"
#include "strata/train/training.h"
#include "support/errors.h"
#include "support/models.h"
#include "support/workers.h"

namespace strata::plan {
namespace {

using config::Recompute;
using strata::test::error_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

config::RunConfig tiny_run() {
  config::RunConfig config;
  config.model = strata::test::tiny_dims();
  config.norm.scheme = "sandwich+gpas";
  config.data.sequence_length = 16;
  config.train.global_batch = 64;
  config.train.micro_batch = 4;
  config.parallel.bucket_mb = 1;
  return config;
}

nn::ModelSpec spec_of(const config::RunConfig& config) { return nn::describe(config.model, config.norm); }

std::vector<std::string> lines_of(const Allocator& memory) {
  std::vector<std::string> lines;
  for (const Allocator::Buffer& buffer : memory.buffers()) {
    lines.push_back(strata::str(name_of(buffer.memory_class), " ", buffer.name, " ", buffer.bytes));
  }
  return lines;
}

struct Case {
  int workers = 1;
  int64_t zero = 0;
  config::Precision precision = config::Precision::kFp32;
  Recompute recompute = Recompute::kNone;
  bool asynchronous = true;
  config::OptimizerKind kind = config::OptimizerKind::kAdam;
};

class Plan : public testing::TestWithParam<Case> {};

TEST_P(Plan, IsWhatEveryWorkerAllocates) {
  config::RunConfig config = tiny_run();
  config.parallel.zero = GetParam().zero;
  config.train.precision = GetParam().precision;
  config.train.recompute = GetParam().recompute;
  config.checkpoint.asynchronous = GetParam().asynchronous;
  config.optimizer.kind = GetParam().kind;
  const nn::ModelSpec spec = spec_of(config);
  strata::test::as_workers(GetParam().workers, [&](workers::Communicator& workers) {
    const auto gemm = kernels::make_gemm("aten");
    Allocator memory(at::kCPU);
    const train::Training training(config, spec, *gemm, workers, {}, memory);
    const MemoryPlan plan = plan_memory(config, spec, {.workers = workers.world_size()}, workers.rank());
    EXPECT_EQ(lines_of(plan.buffers), lines_of(memory)) << "rank " << workers.rank();
    EXPECT_EQ(plan.device_bytes() - plan.batches - plan.exchange, memory.total_bytes());
    EXPECT_EQ(plan.exchange > 0, workers.world_size() > 1);
  });
}

INSTANTIATE_TEST_SUITE_P(
    Runs, Plan,
    testing::Values(Case{}, Case{.recompute = Recompute::kFfn}, Case{.recompute = Recompute::kLayer},
                    Case{.precision = config::Precision::kMixed}, Case{.precision = config::Precision::kBf16},
                    Case{.asynchronous = false}, Case{.workers = 2}, Case{.workers = 4, .zero = 1},
                    Case{.workers = 2, .zero = 1, .precision = config::Precision::kMixed},
                    Case{.workers = 2, .zero = 1, .precision = config::Precision::kMixed, .asynchronous = false},
                    Case{.kind = config::OptimizerKind::kMuon},
                    Case{.workers = 2, .kind = config::OptimizerKind::kMuon},
                    Case{.workers = 4, .zero = 1, .kind = config::OptimizerKind::kMuon},
                    Case{.workers = 2,
                         .zero = 1,
                         .precision = config::Precision::kMixed,
                         .kind = config::OptimizerKind::kAdemamix}));

// States of Muon's matrices are half of Adam's, and what it computes with is of the largest of them: twice 40 by 64,
// and twice 40 by 40.
TEST(MuonPlan, HasOneStateOfMatrices) {
  config::RunConfig config = tiny_run();
  const auto bytes_of = [&](config::OptimizerKind kind) {
    config.optimizer.kind = kind;
    return plan_memory(config, spec_of(config), {}).buffers;
  };
  const Allocator adam = bytes_of(config::OptimizerKind::kAdamw), muon = bytes_of(config::OptimizerKind::kMuon);
  int64_t of_matrices = 0;
  for (const ParamSpec& param : spec_of(config).layout.params) {
    if (param.role == ParameterRole::kLinear) of_matrices += 4 * param.arena_count();
  }
  EXPECT_EQ(adam.bytes(MemoryClass::kMoments) - muon.bytes(MemoryClass::kMoments), of_matrices);
  EXPECT_EQ(adam.bytes(MemoryClass::kCheckpointCopy) - muon.bytes(MemoryClass::kCheckpointCopy), of_matrices);
  const int64_t workspace = muon.bytes(MemoryClass::kWorkspace) - adam.bytes(MemoryClass::kWorkspace);
  const int64_t matrices = 4 * 2 * (40 * 64 + 40 * 40);
  EXPECT_GE(workspace, matrices);
  EXPECT_LT(workspace, matrices + 1000);  // and tables of what norms add up
}

// The factors of its products are rounded to what the model computes in on a GPU.
TEST(MuonPlan, HalvesItsMatricesOnADevice) {
  config::RunConfig config = tiny_run();
  config.optimizer.kind = config::OptimizerKind::kMuon;
  const auto matrix = [&](config::Precision precision) {
    config.train.precision = precision;
    const MemoryPlan plan = plan_memory(config, spec_of(config), {.device = at::kCUDA});
    return std::ranges::find(plan.buffers.buffers(), "muon's matrix", &Allocator::Buffer::name)->bytes;
  };
  EXPECT_EQ(matrix(config::Precision::kFp32), 4 * 40 * 64);
  EXPECT_EQ(matrix(config::Precision::kMixed), 2 * 40 * 64);
}

config::RunConfig lisa_run(int64_t layers, config::LisaStates states) {
  config::RunConfig config = tiny_run();
  config.sft.model = "model";
  config.lisa = {.layers = layers, .states = states};
  return config;
}

// Two workers, so that buckets are filled up.
TEST(LisaPlan, IsWhatEveryWorkerAllocates) {
  for (const config::LisaStates states : {config::LisaStates::kKeep, config::LisaStates::kDrop}) {
    for (const config::Precision precision : {config::Precision::kFp32, config::Precision::kMixed}) {
      config::RunConfig config = lisa_run(2, states);
      config.train.precision = precision;
      const nn::ModelSpec spec = nn::describe(config);
      strata::test::as_workers(2, [&](workers::Communicator& workers) {
        const auto gemm = kernels::make_gemm("aten");
        Allocator memory(at::kCPU);
        const train::Training training(config, spec, *gemm, workers, {}, memory);
        const MemoryPlan plan = plan_memory(config, spec, {.workers = 2}, workers.rank());
        EXPECT_EQ(lines_of(plan.buffers), lines_of(memory)) << "rank " << workers.rank();
        EXPECT_EQ(plan.device_bytes() - plan.batches - plan.exchange, memory.total_bytes());
      });
    }
  }
}

MemoryPlan lisa_plan(int64_t layers, config::LisaStates states, config::Precision precision) {
  config::RunConfig config = lisa_run(layers, states);
  config.train.precision = precision;
  return plan_memory(config, nn::describe(config), {});
}

// Gradients, their partial sums and, where they are dropped, moments and what they are saved from are of a few layers.
TEST(LisaPlan, TakesWhatTrainsAtATime) {
  for (const config::Precision precision : {config::Precision::kFp32, config::Precision::kMixed}) {
    const auto plan = [&](int64_t layers, config::LisaStates states) { return lisa_plan(layers, states, precision); };
    const MemoryPlan full = plan(0, config::LisaStates::kKeep), keep = plan(2, config::LisaStates::kKeep),
                     drop = plan(2, config::LisaStates::kDrop);
    EXPECT_LT(drop.device_bytes(), keep.device_bytes());
    EXPECT_LT(keep.device_bytes(), full.device_bytes());
    const auto bytes = [](const MemoryPlan& of, MemoryClass memory_class) { return of.buffers.bytes(memory_class); };
    for (const MemoryClass same : {MemoryClass::kParameters, MemoryClass::kComputeCopy, MemoryClass::kActivations}) {
      EXPECT_EQ(bytes(drop, same), bytes(full, same));
    }
    const int64_t gradients = bytes(keep, MemoryClass::kGradients);
    EXPECT_EQ(bytes(drop, MemoryClass::kGradients), gradients);
    EXPECT_LT(gradients, bytes(full, MemoryClass::kGradients));
    EXPECT_EQ(bytes(keep, MemoryClass::kPartialSums) * bytes(full, MemoryClass::kGradients),
              bytes(full, MemoryClass::kPartialSums) * gradients);
    EXPECT_EQ(bytes(keep, MemoryClass::kMoments), bytes(full, MemoryClass::kMoments));
    EXPECT_EQ(bytes(drop, MemoryClass::kMoments), 2 * gradients);
  }
}

// On a GPU: mixed by itself, and the copy that checkpoints are written from in the host's memory.
TEST(DevicePlan, KnowsWhatLiesWhere) {
  const config::RunConfig config = tiny_run();
  const nn::ModelSpec spec = spec_of(config);
  const MemoryPlan first = plan_memory(config, spec, {.device = at::kCUDA, .workers = 4});
  const Allocator& buffers = first.buffers;
  const int64_t parameters = buffers.bytes(MemoryClass::kParameters);
  EXPECT_EQ(buffers.bytes(MemoryClass::kComputeCopy) * 2, parameters);
  EXPECT_EQ(buffers.bytes(MemoryClass::kPartialSums), parameters);  // eight virtual ranks, two for each worker
  EXPECT_EQ(buffers.host_bytes(), buffers.bytes(MemoryClass::kCheckpointCopy));
  EXPECT_EQ(first.device_bytes(), buffers.total_bytes() - buffers.host_bytes() + first.exchange);
  EXPECT_EQ(first.host_bytes(), buffers.host_bytes() + first.batches);
  // Together the workers copy the parameters and both moments once.
  const MemoryPlan other = plan_memory(config, spec, {.device = at::kCUDA, .workers = 4}, 1);
  EXPECT_EQ(buffers.host_bytes() + 3 * other.buffers.host_bytes(), 3 * parameters);
}

// Of `mixed` the master values too, and of them the first worker has a copy of all to write.
TEST(DevicePlan, ZeroSharesMomentsAndMasterValues) {
  config::RunConfig config = tiny_run();
  const auto plan = [&](int rank = 0) {
    return plan_memory(config, spec_of(config), {.device = at::kCUDA, .workers = 4}, rank).buffers;
  };
  const Allocator whole = plan();
  config.parallel.zero = 1;
  const Allocator first = plan(), other = plan(1);
  EXPECT_EQ(first.bytes(MemoryClass::kMoments) * 4, whole.bytes(MemoryClass::kMoments));
  EXPECT_EQ(first.bytes(MemoryClass::kParameters) * 4, whole.bytes(MemoryClass::kParameters));
  EXPECT_EQ(first.bytes(MemoryClass::kGradients), whole.bytes(MemoryClass::kGradients));
  EXPECT_EQ(first.bytes(MemoryClass::kCheckpointCopy) - other.bytes(MemoryClass::kCheckpointCopy),
            whole.bytes(MemoryClass::kParameters));
  config.train.precision = config::Precision::kFp32;  // the model computes with them
  EXPECT_EQ(plan().bytes(MemoryClass::kParameters), whole.bytes(MemoryClass::kParameters));
}

// ATen's mha_varlen_bwd: of one row with 32 heads every one of 148 multiprocessors gets a share of the queries'
// gradient in ceil(148 / 32) copies, in fp32, of tokens spread by 128 for each row.
TEST(DevicePlan, CountsWhatFlashAttentionTakes) {
  config::RunConfig config;
  config.model = {.hidden = 4096, .intermediate = 11008, .layers = 2, .heads = 32};
  config.data.sequence_length = 2048;
  config.train.global_batch = config.train.micro_batch = 1;
  config.train.precision = config::Precision::kMixed;
  const MemoryPlan plan = plan_memory(config, spec_of(config), {.device = at::kCUDA});
  const auto taken = std::ranges::find(plan.buffers.buffers(), "taken by flash attention", &Allocator::Buffer::name);
  ASSERT_NE(taken, plan.buffers.buffers().end());
  EXPECT_EQ(taken->bytes, 2048 * 3 * 4096 * 2 + (2048 + 2 * 128) * 32 * (5 * 128 + 1) * 4);
}

TEST(MicroBatches, AreThoseThatTheWorkersCanShare) {
  config::RunConfig config = tiny_run();
  EXPECT_THAT(possible_micro_batches(config, 1), ElementsAre(1, 2, 4, 8, 16, 32, 64));
  EXPECT_THAT(possible_micro_batches(config, 8), ElementsAre(1, 2, 4, 8));
  config.parallel.virtual_ranks = 16;
  EXPECT_THAT(possible_micro_batches(config, 2), ElementsAre(1, 2, 4));
  EXPECT_TRUE(possible_micro_batches(config, 3).empty());
}

TEST(MicroBatches, TheLargestIsTheLastThatFits) {
  config::RunConfig config = tiny_run();
  const nn::ModelSpec spec = spec_of(config);
  const auto needed = [&](int64_t size) {
    config.train.micro_batch = size;
    return plan_memory(config, spec, {}).device_bytes();
  };
  const int64_t room = needed(16);
  ASSERT_GT(needed(32), room);
  ASSERT_GT(needed(64), room);
  EXPECT_EQ(largest_micro_batch(config, spec, {}, room), 16);
  EXPECT_LT(largest_micro_batch(config, spec, {}, room - 1), 16);
  EXPECT_EQ(largest_micro_batch(config, spec, {}, 1000), 0);
}

class Recomputation : public testing::Test {
 protected:
  int64_t needed(Recompute recompute) const {
    config::RunConfig config = config_;
    config.train.recompute = recompute;
    return plan_memory(config, spec_, {}).device_bytes();
  }
  Recompute settled(int64_t room) const { return settle_recompute(config_, spec_, {}, room); }

  config::RunConfig config_ = tiny_run();
  const nn::ModelSpec spec_ = spec_of(config_);
};

TEST_F(Recomputation, AutoTakesTheLeastThatFits) {
  config_.train.recompute = Recompute::kAuto;
  EXPECT_EQ(settled(needed(Recompute::kNone)), Recompute::kNone);
  EXPECT_EQ(settled(needed(Recompute::kNone) - 1), Recompute::kFfn);
  EXPECT_EQ(settled(needed(Recompute::kFfn) - 1), Recompute::kLayer);
  EXPECT_EQ(settled(needed(Recompute::kLayer)), Recompute::kLayer);
  EXPECT_EQ(with_recompute(config_, spec_, {}, 1000).train.recompute, Recompute::kLayer);
}

TEST_F(Recomputation, SaysWhatIsMissingAndWhatWouldFit) {
  const std::string need = human_bytes(needed(Recompute::kNone));
  EXPECT_THAT(error_of([&] { settled(needed(Recompute::kNone) - 1); }),
              AllOf(HasSubstr("train.micro_batch=4 with train.recompute=none needs " + need),
                    HasSubstr("train.recompute=ffn would fit")));
  config_.train.recompute = Recompute::kAuto;
  EXPECT_THAT(error_of([&] { settled(needed(Recompute::kLayer) - 1); }),
              AllOf(HasSubstr("train.recompute=layer needs "), HasSubstr("train.micro_batch=2 with train.recompute=")));
  EXPECT_THAT(error_of([&] { settled(1000); }), HasSubstr("1.0 kB are there; no micro-batch would fit"));
}

TEST_F(Recomputation, KeepsAnotherValueAsItIs) {
  config_.train.recompute = Recompute::kLayer;
  EXPECT_EQ(settled(needed(Recompute::kNone)), Recompute::kLayer);
  EXPECT_FALSE(fitting_recompute(config_, spec_, {}, needed(Recompute::kLayer) - 1));
}

}  // namespace
}  // namespace strata::plan
