// A run in this process that is saved, forgotten and taken up again at every step, against one that was not.
#include <ATen/ops/equal.h>

#include "strata/config/enums.h"
#include "strata/train/checkpoint/writer.h"
#include "strata/train/resume.h"
#include "strata/train/trainer.h"
#include "support/errors.h"
#include "support/models.h"
#include "support/temp_folder.h"
#include "support/training.h"

namespace strata::train {
namespace {

using strata::test::error_of;
using strata::test::TempFolder;
using strata::test::TestModel;

constexpr int64_t kSteps = 5;

struct Mode {
  config::Precision precision;
  config::Rounding rounding = config::Rounding::kNearest;
  std::string scheme = "mix+gpas";
  config::OptimizerKind kind = config::OptimizerKind::kAdam;
};

config::RunConfig config_of(const Mode& mode, const TempFolder& folder) {
  config::RunConfig config;
  config.model = strata::test::tiny_dims();
  config.norm.scheme = mode.scheme;
  config.norm.prores.warmup_steps = 4;
  config.train.precision = mode.precision;
  config.optimizer.kind = mode.kind;
  config.optimizer.rounding = mode.rounding;
  config.train.steps = kSteps;
  config.train.global_batch = config.train.micro_batch;
  config.train.spike = {.action = config::SpikeAction::kSkip, .window = 2, .sigma = 0.5};
  config.schedule.warmup_steps = 2;
  config.run.dir = folder / "run";
  return config;
}

data::GlobalBatch batch_of(int64_t step, int64_t vocab) {
  data::GlobalBatch batch;
  batch.micro_batches.push_back(strata::test::tiny_batch(vocab, static_cast<uint64_t>(step)));
  batch.num_tokens = batch.micro_batches[0].num_tokens();
  batch.num_targets = batch.micro_batches[0].num_targets();
  batch.end = {.seed = 42, .epoch = 0, .row = step + 1};
  return batch;
}

// What a process holds.
struct Process {
  explicit Process(const config::RunConfig& config)
      : config(config),
        test(nn::describe(config.model, config.norm), options(config)),
        training(config, test.model, allocator),
        schedule(config.schedule, config.optimizer.lr, config.train.steps) {
    now.progress.cursor.seed = 42;
    now.progress = begin_run(config, now, test.model.parameters(), *training.optimizer,
                             {.anew = [&] { test.model.parameters().initialise(42); }}, *training.workers);
  }

  static nn::ModelOptions options(const config::RunConfig& config) {
    nn::ModelOptions options = strata::test::tiny_options();
    options.precision = config.train.precision;
    return options;
  }
  const nn::ParameterLayout& layout() const { return test.model.spec().layout; }
  TrainingArenas arenas() const {
    return {.parameters = test.model.parameters().master(), .optimizer = states_of(*training.optimizer)};
  }

  void run(int64_t until) {
    Step step(test.model, *training.optimizer, schedule, config.train, training.parallel);
    run_training(
        step, config.train, [&] { return batch_of(now.progress.step, config.model.vocab); }, {}, {.last_step = until},
        now.progress);
  }

  void save() {
    CheckpointWriter writer(config, test.model.parameters(), training.parallel.gather, *training.optimizer,
                            training.partitions.states().mine(), true, {}, allocator);
    RunLogs logs(config.run.dir, now.progress.step);
    writer.save(now, &logs);
    EXPECT_EQ(writer.finish(), std::nullopt);
    EXPECT_EQ(writer.saved_step(), now.progress.step);
  }

  config::RunConfig config;
  TestModel test;
  Allocator allocator{at::kCPU};
  strata::test::LoneTraining training;
  optim::Schedule schedule;
  CheckpointState now;
};

class ResumeInProcess : public testing::TestWithParam<Mode> {};

TEST_P(ResumeInProcess, EveryStepCanBeTheLastBeforeAKill) {
  const TempFolder folder;
  const config::RunConfig config = config_of(GetParam(), folder);
  Process whole(config);
  whole.run(kSteps);
  std::filesystem::create_directory(config.run.dir);
  for (int64_t step = 0; step < kSteps; ++step) {
    Process part(config);
    ASSERT_EQ(part.now.progress.step, step);
    if (step > 0) part.save();  // of what was loaded: it must be the same again
    part.run(step + 1);
    part.save();
  }
  const Process resumed(config);
  EXPECT_EQ(resumed.now, whole.now);
  EXPECT_EQ(resumed.now.progress.spikes.losses.size(), 2U);
  EXPECT_TRUE(at::equal(resumed.arenas().parameters, whole.arenas().parameters));
  for (size_t i = 0; i < whole.arenas().optimizer.states.size(); ++i) {
    EXPECT_TRUE(at::equal(resumed.arenas().optimizer.states[i].values, whole.arenas().optimizer.states[i].values));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Modes, ResumeInProcess,
    testing::Values(Mode{config::Precision::kFp32}, Mode{config::Precision::kBf16},
                    Mode{config::Precision::kBf16, config::Rounding::kStochastic}, Mode{config::Precision::kMixed},
                    Mode{.precision = config::Precision::kFp32, .scheme = "pre+gpas+prores"},
                    Mode{.precision = config::Precision::kFp32, .kind = config::OptimizerKind::kMuon},
                    Mode{.precision = config::Precision::kBf16,
                         .rounding = config::Rounding::kStochastic,
                         .kind = config::OptimizerKind::kMuon},
                    Mode{.precision = config::Precision::kMixed, .kind = config::OptimizerKind::kAdemamix},
                    Mode{.precision = config::Precision::kFp32, .kind = config::OptimizerKind::kLion}),
    [](const auto& info) {
      const bool warms_up = info.param.scheme.ends_with("+prores");
      return str(config::enum_name(info.param.precision), "_", config::enum_name(info.param.rounding),
                 warms_up ? "_prores" : "", "_", config::enum_name(info.param.kind));
    });

// Of a run with Adam that was saved at its first step.
config::RunConfig config_of_saved_run(const TempFolder& folder) {
  config::RunConfig config = config_of({config::Precision::kFp32}, folder);
  std::filesystem::create_directory(config.run.dir);
  Process first(config);
  first.run(1);
  first.save();
  return config;
}

// One clear line: which key, and where its states are another optimizer's, which tensor.
TEST(ResumeOfAnotherOptimizer, IsRefused) {
  const TempFolder folder;
  config::RunConfig config = config_of_saved_run(folder);
  config.optimizer.kind = config::OptimizerKind::kMuon;
  EXPECT_THAT(error_of([&] { Process{config}; }),
              testing::EndsWith("holds another run: optimizer.kind was adam, is muon; another run.dir starts anew"));
  config.train.allow_change = {"optimizer.kind"};
  EXPECT_THAT(error_of([&] { Process{config}; }),
              testing::AllOf(testing::HasSubstr(": v.model.layers.0."),
                             testing::HasSubstr("is a state that this run's optimizer does not have: another "
                                                "optimizer.kind saved it")));
  config.optimizer.kind = config::OptimizerKind::kAdemamix;
  EXPECT_THAT(
      error_of([&] { Process{config}; }),
      testing::HasSubstr("the optimizer files have no s.model.embed_tokens.weight: another optimizer.kind saved "
                         "them, or some are missing"));
}

// The same states, so that the advice to allow the change is good.
TEST(ResumeOfAnotherOptimizer, IsAllowedAmongThoseThatKeepTheSame) {
  const TempFolder folder;
  config::RunConfig config = config_of_saved_run(folder);
  config.optimizer.kind = config::OptimizerKind::kAdamw;
  EXPECT_THAT(error_of([&] { Process{config}; }),
              testing::EndsWith("starts anew, train.allow_change=[optimizer.kind] goes on all the same"));
  config.train.allow_change = {"optimizer.kind"};
  EXPECT_EQ(error_of([&] { Process{config}; }), "no error");
}

}  // namespace
}  // namespace strata::train
