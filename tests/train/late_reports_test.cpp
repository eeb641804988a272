// Runs whose steps are read when the next one has begun, as on a device, against runs that read each at once: nothing
// that they compute or write differs.
#include <ATen/TensorOperators.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "strata/train/checkpoint/checkpoint.h"
#include "strata/train/hooks.h"
#include "strata/train/training.h"
#include "support/data_fixtures.h"
#include "support/json_lines.h"
#include "support/micro_batches.h"
#include "support/models.h"
#include "support/workers.h"

namespace strata::train {
namespace {

using nlohmann::json;
using strata::test::as_workers;
using strata::test::error_of;
using strata::test::lines_without_times;
using strata::test::read_file;
using strata::test::TempFolder;

constexpr int64_t kSteps = 9;
constexpr int64_t kMicroBatches = 4;

config::RunConfig config_of(const TempFolder& folder, const std::string& run) {
  config::RunConfig config;
  config.model = strata::test::tiny_dims();
  config.model.vocab = 200;
  config.norm.scheme = "mix+gpas";
  config.data.sequence_length = 32;
  config.train = {.steps = kSteps, .global_batch = 2 * kMicroBatches, .micro_batch = 2, .clip = {.global = 0.5}};
  config.optimizer.lr = 1e-2;
  config.schedule.warmup_steps = 2;
  config.checkpoint.every = 4;
  config.checkpoint.keep = 0;
  config.evaluate.every = 3;
  config.telemetry.every = 2;
  config.run.dir = folder / run;
  return config;
}

data::GlobalBatch batch_of(const Division& division, int rank, int64_t index, int64_t vocab) {
  return test::made_up_global_batch(
      division, rank, index, kMicroBatches, vocab,
      [vocab](int64_t, const data::TokenRows& rows) { return data::TokenBatch::from_rows(rows, nullptr, vocab); });
}

// What a worker computes with, and a run of it.
struct Process {
  Process(const config::RunConfig& config, workers::Communicator& workers)
      : config(config),
        gemm(kernels::make_gemm("tiles")),
        training(config, nn::describe(config.model, config.norm), *gemm, workers, {}, allocator),
        schedule(config.schedule, config.optimizer.lr, config.train.steps) {
    training.model.parameters().initialise(7);
  }

  // want_stop: asked before each step, of this worker.
  void run(const std::vector<std::unique_ptr<Hook>>& hooks, const LoopOptions& options,
           const std::function<bool(int64_t index)>& want_stop = {}) {
    Step step(training.model, *training.optimizer, schedule, config.train, training.parallel);
    workers::Communicator& workers = training.parallel.workers;
    int64_t index = 0;
    const auto next_batch = [&]() -> std::optional<data::GlobalBatch> {
      if (workers::any(workers, want_stop && want_stop(index))) return std::nullopt;
      return batch_of(training.division, workers.rank(), index++, config.model.vocab);
    };
    run_training(step, config.train, next_batch, hooks, options, progress);
    training.parallel.gather.finish();
  }

  // Bytes, so that NaN equals itself.
  std::string parameters() const {
    const at::Tensor& master = training.model.parameters().master();
    return {static_cast<const char*>(master.const_data_ptr()), master.nbytes()};
  }

  config::RunConfig config;
  std::unique_ptr<kernels::Gemm> gemm;
  Allocator allocator{at::kCPU};
  Training training;
  optim::Schedule schedule;
  Progress progress;
};

// A run of one worker with all that writes files.
class LateReports : public testing::Test {
 protected:
  struct Result {
    std::string error;
    std::string parameters;
    Progress progress;
  };

  Result run(const config::RunConfig& config, bool reads_late, const LoopOptions& given = {}) {
    std::filesystem::create_directories(config.run.dir);
    const auto alone = workers::alone();
    Process process(config, *alone);
    Training& training = process.training;
    RunLogs logs(config.run.dir, 0);
    std::vector<std::unique_ptr<Hook>> hooks;
    hooks.push_back(metrics_files(logs, true));
    hooks.push_back(evaluation(&logs, {.set = validation(), .every = config.evaluate.every, .last_step = kSteps},
                               training.model, *alone));
    hooks.push_back(checkpoints(config.checkpoint, {}, training.writer, &logs, training.parallel));
    LoopOptions options = given;
    options.last_step = kSteps;
    options.telemetry_every = config.telemetry.every;
    options.reads_late = reads_late;
    Result result;
    result.error = error_of([&] { process.run(hooks, options); });
    training.writer.finish();
    logs.flush();
    result.parameters = process.parameters();
    result.progress = process.progress;
    return result;
  }

  // Both runs, of which nothing may differ; gives one of them.
  Result expect_same(
      config::RunConfig config, const std::function<LoopOptions()>& options = [] { return LoopOptions{}; }) {
    config.run.dir = folder_ / "at once";
    const Result at_once = run(config, false, options());
    config.run.dir = folder_ / "late";
    const Result late = run(config, true, options());
    EXPECT_EQ(late.error, at_once.error);
    EXPECT_EQ(late.parameters, at_once.parameters);
    EXPECT_EQ(late.progress, at_once.progress);
    for (const char* file : {"metrics.jsonl", "layers.jsonl", "eval.jsonl"}) {
      EXPECT_EQ(lines_without_times(folder_ / "late" / file), lines_without_times(folder_ / "at once" / file)) << file;
    }
    expect_same_checkpoints();
    return late;
  }

  void expect_same_checkpoints() const {
    const auto late = checkpoints_of(folder_ / "late"), at_once = checkpoints_of(folder_ / "at once");
    ASSERT_EQ(late.size(), at_once.size());
    for (size_t i = 0; i < late.size(); ++i) {
      ASSERT_EQ(step_of(late[i]), step_of(at_once[i]));
      EXPECT_EQ(Checkpoint::open(late[i]).state(), Checkpoint::open(at_once[i]).state());
      for (const char* file : {"model.safetensors", "optimizer-1-of-1.safetensors"}) {
        EXPECT_TRUE(read_file(late[i] / file) == read_file(at_once[i] / file)) << late[i] << file;
      }
    }
  }

  std::vector<int64_t> saved_steps() const {
    std::vector<int64_t> steps;
    for (const auto& path : checkpoints_of(folder_ / "late")) steps.push_back(step_of(path));
    return steps;
  }

  std::unique_ptr<data::ValidationSet> validation() const {
    const auto cache = std::make_shared<const data::ShardCache>(folder_ / "cache", data::test::small_tokenizer(),
                                                                data::TokenizeOptions{.threads = 1});
    auto shards = std::make_unique<data::ShardSet>(std::vector{source_}, cache, std::vector<int64_t>{0});
    return std::make_unique<data::ValidationSet>(
        std::move(shards), data::RowOptions{.kind = config::RowKind::kDocument, .sequence_length = 32}, 100, 2, 200);
  }

  const TempFolder folder_;
  const data::Source source_ = data::test::made_up_source(folder_.path(), "valid.jsonl", 0, 20);
};

TEST_F(LateReports, WriteTheSameFiles) {
  for (const config::Precision precision :
       {config::Precision::kFp32, config::Precision::kBf16, config::Precision::kMixed}) {
    config::RunConfig config = config_of(folder_, "");
    config.train.precision = precision;
    expect_same(config);
    EXPECT_THAT(saved_steps(), testing::ElementsAre(4, 8, 9));
    EXPECT_EQ(lines_without_times(folder_ / "late" / "metrics.jsonl").size(), size_t{kSteps});
    for (const char* run : {"late", "at once"}) std::filesystem::remove_all(folder_ / run);
  }
}

TEST_F(LateReports, WatchSpikesAlike) {
  for (const config::SpikeAction action : {config::SpikeAction::kWarn, config::SpikeAction::kSkip}) {
    config::RunConfig config = config_of(folder_, "");
    config.train.spike = {.action = action, .window = 2, .sigma = 0.5};
    const Result result = expect_same(config);
    EXPECT_EQ(result.progress.skipped > 0, action == config::SpikeAction::kSkip);
    int spikes = 0;
    for (const json& line : lines_without_times(folder_ / "late" / "metrics.jsonl")) spikes += line.at("spike") ? 1 : 0;
    EXPECT_GT(spikes, 0);
    for (const char* run : {"late", "at once"}) std::filesystem::remove_all(folder_ / run);
  }
}

TEST_F(LateReports, StopAtASpikeAlike) {
  config::RunConfig config = config_of(folder_, "");
  config.train.spike = {.action = config::SpikeAction::kStop, .window = 2, .sigma = 0.5};
  EXPECT_THAT(expect_same(config).error, testing::HasSubstr("nothing was changed"));
}

// The first update makes the weights infinite: the second step is not finite, and the third has begun when that is
// read.
TEST_F(LateReports, LeaveOutWhatIsNotFiniteAlike) {
  config::RunConfig config = config_of(folder_, "");
  config.optimizer.lr = 1e38;
  config.schedule.warmup_steps = 0;
  EXPECT_THAT(expect_same(config).error, testing::HasSubstr("step 2: loss"));
  for (const char* run : {"late", "at once"}) std::filesystem::remove_all(folder_ / run);
  config.train.on_nonfinite = config::OnNonfinite::kSkip;
  EXPECT_EQ(expect_same(config).progress.skipped, kSteps - 1);
}

TEST_F(LateReports, GiveUpTheSameStep) {
  const auto in_the_sixth_step = [] {
    auto asked = std::make_shared<int64_t>(0);
    return LoopOptions{.give_up_step = [asked] { return ++*asked == 5 * kMicroBatches + 2; }};
  };
  EXPECT_EQ(expect_same(config_of(folder_, ""), in_the_sixth_step).progress.step, 5);
  EXPECT_THAT(saved_steps(), testing::ElementsAre(4, 5));
}

TEST_F(LateReports, EndAfterTheSameStep) {
  const Result result = expect_same(config_of(folder_, ""), [] { return LoopOptions{.stop_after = 6}; });
  EXPECT_EQ(result.progress.step, 6);
  EXPECT_EQ(result.progress.cursor.row, 6);
  EXPECT_THAT(saved_steps(), testing::ElementsAre(4, 6));
}

// Takes its time, as evaluations, tasks and checkpoints do.
class Slow final : public Hook {
 public:
  Slow(double& slept, double& booked) : slept_(slept), booked_(booked) {}
  bool needs_state_after(int64_t step) const override { return step % 2 == 0; }
  void at_start(const Progress&) override { sleep(); }
  void after_step(const StepReport& report, const Progress&) override {
    booked_ += report.seconds;
    sleep();
  }

 private:
  void sleep() {
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    slept_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  double& slept_;
  double& booked_;
};

// What happens beside the steps is booked on none of them: together they are no longer than the run.
TEST(LateReportsOfWorkers, HaveNoTimeOfHooksInThem) {
  for (const bool reads_late : {false, true}) {
    const TempFolder folder;
    const auto alone = workers::alone();
    Process process(config_of(folder, "run"), *alone);
    double slept = 0.0, booked = 0.0;
    std::vector<std::unique_ptr<Hook>> hooks;
    hooks.push_back(std::make_unique<Slow>(slept, booked));
    const auto start = std::chrono::steady_clock::now();
    process.run(hooks, {.last_step = kSteps, .reads_late = reads_late});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    EXPECT_GT(booked, 0.0);
    EXPECT_LE(booked + slept, seconds);
  }
}

// Keeps what hooks see: the loss, and every third step the parameters that they said they need.
class Witness final : public Hook {
 public:
  explicit Witness(const Process& process) : process_(process) {}
  bool needs_state_after(int64_t step) const override { return step % 3 == 0; }
  void after_step(const StepReport& report, const Progress& progress) override {
    losses.push_back(report.loss);
    EXPECT_EQ(report.step, progress.step);
    if (needs_state_after(report.step)) states.push_back(process_.parameters());
  }

  std::vector<double> losses;
  std::vector<std::string> states;

 private:
  const Process& process_;
};

struct Seen {
  std::vector<double> losses;
  std::vector<std::string> states;  // of the worker's own slices and those that have come
  std::string parameters;
  Progress progress;

  bool operator==(const Seen&) const = default;
};

// Two workers, the second of which wants to stop before the seventh step.
std::vector<Seen> run_two_workers(int64_t zero, bool reads_late) {
  const TempFolder folder;
  config::RunConfig config = config_of(folder, "run");
  config.parallel.zero = zero;
  config.checkpoint.asynchronous = false;
  std::vector<Seen> seen(2);
  as_workers(2, [&](workers::Communicator& workers) {
    Process process(config, workers);
    std::vector<std::unique_ptr<Hook>> hooks;
    hooks.push_back(std::make_unique<Witness>(process));
    process.run(hooks, {.last_step = kSteps, .reads_late = reads_late},
                [&](int64_t index) { return workers.rank() == 1 && index == 6; });
    const auto& witness = static_cast<const Witness&>(*hooks.front());
    seen[static_cast<size_t>(workers.rank())] = {witness.losses, witness.states, process.parameters(),
                                                 process.progress};
  });
  return seen;
}

TEST(LateReportsOfWorkers, EndAfterTheSameStepOnAllOfThem) {
  for (const int64_t zero : {0, 1}) {
    const std::vector<Seen> late = run_two_workers(zero, true), at_once = run_two_workers(zero, false);
    for (size_t rank = 0; rank < 2; ++rank) {
      EXPECT_EQ(late[rank].progress, at_once[rank].progress);
      EXPECT_EQ(late[rank].progress.step, 6);
      EXPECT_EQ(late[rank].losses, at_once[rank].losses);
      EXPECT_TRUE(late[rank].parameters == at_once[rank].parameters);
      EXPECT_TRUE(zero == 1 || late[rank].states == at_once[rank].states);
    }
    EXPECT_TRUE(late[0].parameters == late[1].parameters);
  }
}

// A step that begins before the host has noticed that the run is over must not move anything either.
TEST(Halt, KeepsLaterStepsFromChangingAnything) {
  for (const bool stops : {true, false}) {
    const TempFolder folder;
    config::RunConfig config = config_of(folder, "run");
    config.train.on_nonfinite = stops ? config::OnNonfinite::kStop : config::OnNonfinite::kSkip;
    const auto alone = workers::alone();
    Process process(config, *alone);
    Training& training = process.training;
    Step step(training.model, *training.optimizer, process.schedule, config.train, training.parallel);
    const auto start = [&](int64_t index) {
      return step.start(batch_of(training.division, 0, index, config.model.vocab), index, {}).value();
    };
    const at::Tensor gain = training.model.parameters().master("model.norm.weight");
    const std::string before = process.parameters();
    gain[0].fill_(std::nan(""));
    const StartedStep bad = start(0);
    gain[0].fill_(1.0);
    EXPECT_EQ(process.parameters(), before);
    const StartedStep good = start(1);
    EXPECT_EQ(process.parameters() == before, stops);
    EXPECT_FALSE(step.read(bad, {}).finite);
    const StepReport report = step.read(good, {});
    EXPECT_TRUE(report.finite);
    EXPECT_EQ(report.updated, !stops);
  }
}

}  // namespace
}  // namespace strata::train
