// Runs on a GPU: their steps against the CPU's, their memory against the plan, and their checkpoints.
#include <ATen/ops/equal.h>

#include "strata/plan/memory_plan.h"
#include "strata/train/checkpoint/checkpoint.h"
#include "strata/train/hooks.h"
#include "strata/train/training.h"
#include "support/gpu.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

constexpr int64_t kSteps = 8;
constexpr int64_t kMicroBatches = 2;

config::RunConfig config_of(const config::ModelConfig& dims, const std::filesystem::path& folder) {
  config::RunConfig config;
  config.model = dims;
  config.norm.scheme = "mix+gpas";
  config.data.sequence_length = 32;
  config.train = {.steps = kSteps,
                  .global_batch = 2 * kMicroBatches,
                  .micro_batch = 2,
                  .precision = config::Precision::kFp32,
                  .clip = {.global = 0.5}};
  config.optimizer.lr = 1e-3;
  config.schedule.warmup_steps = 2;
  config.checkpoint.every = kSteps;
  config.run.dir = folder;
  return config;
}

data::GlobalBatch batch_of(int64_t index, int64_t vocab) {
  data::GlobalBatch batch;
  for (int64_t i = 0; i < kMicroBatches; ++i) {
    data::TokenRows rows(2);
    for (int64_t t = 0; t < 19 + (index + i) % 5; ++t) {
      rows[0].push_back((index * 31 + i * 17 + t * t * 3) % vocab);
      rows[1].push_back((index * 7 + i * 5 + t) % vocab);
    }
    batch.micro_batches.push_back(data::TokenBatch::from_rows(rows, nullptr, vocab));
    batch.num_tokens += batch.micro_batches.back().num_tokens();
    batch.num_targets += batch.micro_batches.back().num_targets();
  }
  batch.end = {.seed = 3, .epoch = 0, .row = index + 1};
  return batch;
}

class Reports final : public train::Hook {
 public:
  explicit Reports(std::vector<train::StepReport>& reports) : reports_(reports) {}
  void after_step(const train::StepReport& report, const train::Progress&) override { reports_.push_back(report); }

 private:
  std::vector<train::StepReport>& reports_;
};

// What a run computes with, on the CPU or on a GPU, where a step is read when the next one has begun.
struct Trained {
  Trained(const config::RunConfig& given, std::unique_ptr<kernels::Gemm> library, at::Device device)
      : config(given),
        gemm(std::move(library)),
        allocator(device),
        training(config, nn::describe(config.model, config.norm), *gemm, *workers, {}, allocator) {
    training.model.parameters().initialise(7);
  }

  std::vector<train::StepReport> run() {
    const optim::Schedule schedule(config.schedule, config.optimizer.lr, config.train.steps);
    train::Step step(training.model, *training.optimizer, schedule, config.train, training.parallel);
    std::vector<train::StepReport> reports;
    std::vector<std::unique_ptr<train::Hook>> hooks;
    hooks.push_back(std::make_unique<Reports>(reports));
    hooks.push_back(train::checkpoints(config.checkpoint, {}, training.writer, nullptr, training.parallel));
    int64_t index = 0;
    const auto next = [&]() -> std::optional<data::GlobalBatch> { return batch_of(index++, config.model.vocab); };
    train::Progress progress;
    train::run_training(step, config.train, next, hooks,
                        {.last_step = kSteps, .reads_late = allocator.device_type() != at::kCPU}, progress);
    training.writer.finish();
    return reports;
  }

  config::RunConfig config;
  std::unique_ptr<workers::Communicator> workers = workers::alone();
  std::unique_ptr<kernels::Gemm> gemm;
  Allocator allocator;
  train::Training training;
};

class RunOnGpu : public OnGpu {
 protected:
  std::unique_ptr<Trained> run_on_gpu(const config::RunConfig& config) const {
    return std::make_unique<Trained>(config, kernels::make_cuda_gemm(), device());
  }
  const TempFolder folder_;
};

// Gradients agree to 4e-5 (model_gpu_test.cpp), and Adam moves a parameter by at most the rate: what a step's loss may
// differ by grows with the steps.
TEST_F(RunOnGpu, TakesTheStepsOfTheCpu) {
  Trained on_cpu(config_of(tiny_dims(), folder_ / "cpu"), kernels::make_gemm("aten"), at::kCPU);
  const auto expected = on_cpu.run();
  const auto reports = run_on_gpu(config_of(tiny_dims(), folder_ / "gpu"))->run();
  ASSERT_EQ(reports.size(), size_t{kSteps});
  EXPECT_LT(expected.back().loss, expected.front().loss);
  for (size_t i = 0; i < reports.size(); ++i) {
    EXPECT_EQ(reports[i].step, expected[i].step);
    EXPECT_TRUE(reports[i].updated);
    EXPECT_NEAR(reports[i].loss, expected[i].loss, 1e-4) << "step " << i + 1;
    EXPECT_NEAR(reports[i].norms.global / expected[i].norms.global, 1.0, 1e-3) << "step " << i + 1;
  }
}

TEST_F(RunOnGpu, RepeatsItsBits) {
  for (const config::Precision precision :
       {config::Precision::kFp32, config::Precision::kMixed, config::Precision::kBf16}) {
    at::Tensor parameters[2];
    for (at::Tensor& ended : parameters) {
      config::RunConfig config = config_of(nine_million_dims(), folder_ / "run");
      config.train.precision = precision;
      const auto run = run_on_gpu(config);
      run->run();
      ended = run->training.model.parameters().master().cpu();
      std::filesystem::remove_all(config.run.dir);
    }
    EXPECT_TRUE(at::equal(parameters[0], parameters[1]));
  }
}

TEST_F(RunOnGpu, LeavesCheckpointsThatTheCpuLoads) {
  const config::RunConfig config = config_of(tiny_dims(), folder_ / "run");
  const auto on_gpu = run_on_gpu(config);
  on_gpu->run();
  Trained on_cpu(config, kernels::make_gemm("aten"), at::kCPU);
  const auto checkpoint = train::Checkpoint::open(train::checkpoint_path(config.run.dir, kSteps));
  checkpoint.load(on_cpu.training.model.parameters(), *on_cpu.training.optimizer);
  for (const ParamSpec& param : on_cpu.training.model.spec().layout.params) {
    EXPECT_TRUE(at::equal(on_cpu.training.model.parameters().master(param.name),
                          on_gpu->training.model.parameters().master(param.name).cpu()))
        << param.name;
  }
  const auto saved = train::states_of(*on_gpu->training.optimizer),
             loaded = train::states_of(*on_cpu.training.optimizer);
  ASSERT_EQ(saved.states.size(), loaded.states.size());
  for (size_t i = 0; i < saved.states.size(); ++i) {
    for (const ParamSpec& param : on_cpu.training.model.spec().layout.params) {
      const ArenaRange range = place_of(param);
      EXPECT_TRUE(at::equal(train::state_at(loaded, i, range), train::state_at(saved, i, range).cpu())) << param.name;
    }
  }
}

// In a process of its own: the peak is that of all that a process has done.
class MemoryOnGpu : public RunOnGpu {};

TEST_F(MemoryOnGpu, IsWhatWasPlanned) {
  config::RunConfig config = config_of(nine_million_dims(), folder_ / "run");
  config.train.precision = config::Precision::kMixed;
  const auto plan = plan::plan_memory(config, nn::describe(config.model, config.norm), {.device = device().type()});
  const auto run = run_on_gpu(config);
  ASSERT_EQ(run->allocator.buffers().size(), plan.buffers.buffers().size());
  for (size_t i = 0; i < plan.buffers.buffers().size(); ++i) {
    EXPECT_EQ(run->allocator.buffers()[i].name, plan.buffers.buffers()[i].name);
    EXPECT_EQ(run->allocator.buffers()[i].bytes, plan.buffers.buffers()[i].bytes) << plan.buffers.buffers()[i].name;
  }
  run->run();
  // Beside the buffers cuBLAS and cuBLASLt have workspaces of 32 MiB, and numbers and FlashAttention take a little.
  constexpr int64_t kWorkspaces = 100 << 20;
  EXPECT_GE(gpu().peak_allocated_bytes(), plan.buffers.device_bytes());
  EXPECT_LE(gpu().peak_allocated_bytes(), plan.buffers.device_bytes() + kWorkspaces);
}

}  // namespace
}  // namespace strata::test
