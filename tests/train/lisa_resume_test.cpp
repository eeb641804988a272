// A run in which layers train by LISA, stopped anywhere and taken up again, against one that was not; and what is no
// checkpoint of such a run.
#include <nlohmann/json.hpp>

#include "strata/train/checkpoint/checkpoint.h"
#include "support/errors.h"
#include "support/json_lines.h"
#include "support/lisa_run.h"
#include "support/temp_folder.h"

namespace strata::train {
namespace {

using config::LisaSampling;
using config::LisaStates;
using config::Precision;
using config::Rounding;
using nlohmann::json;
using strata::test::error_of;
using strata::test::expect_same_bits;
using strata::test::lines_without_times;
using strata::test::lisa_config;
using strata::test::LisaCase;
using strata::test::LisaRun;
using strata::test::read_file;
using strata::test::TempFolder;
using testing::HasSubstr;
using Layers = std::vector<int64_t>;

constexpr int64_t kSteps = 12;
constexpr int64_t kMicroBatches = 4;

class LisaResume : public testing::TestWithParam<LisaCase> {
 protected:
  config::RunConfig config(const std::string& run) const { return lisa_config(GetParam(), folder_ / run); }

  std::unique_ptr<LisaRun> process(const std::string& run) const {
    return std::make_unique<LisaRun>(config(run), *alone_);
  }

  void expect_same_as_whole(const std::string& run) const {
    const auto whole = process("whole"), other = process(run);
    EXPECT_EQ(other->progress, whole->progress);
    EXPECT_EQ(whole->progress.step, kSteps);
    EXPECT_EQ(other->lisa(), whole->lisa());
    expect_same_bits(*other, *whole);
    for (const char* file : {"metrics.jsonl", "layers.jsonl"}) {
      EXPECT_EQ(lines_without_times(folder_ / run / file), lines_without_times(folder_ / "whole" / file)) << file;
    }
    for (const char* file : {"model.safetensors", "optimizer-1-of-1.safetensors", "state.json"}) {
      EXPECT_TRUE(read_file(checkpoint_path(folder_ / run, kSteps) / file) ==
                  read_file(checkpoint_path(folder_ / "whole", kSteps) / file))
          << file;
    }
  }

  LisaState lisa_saved(const std::string& run, int64_t step) const {
    return Checkpoint::open(checkpoint_path(folder_ / run, step)).state().lisa.value();
  }

  const TempFolder folder_;
  const std::unique_ptr<workers::Communicator> alone_ = workers::alone();
};

TEST_P(LisaResume, EveryStepCanBeTheLastBeforeAKill) {
  process("whole")->run_with_files();
  for (int64_t step = 0; step < kSteps; ++step) {
    const auto part = process("parts");
    ASSERT_EQ(part->progress.step, step);
    part->run_with_files({.stop_after = step + 1});
    EXPECT_EQ(lisa_saved("parts", step + 1).draws, step / 3 + 1);
  }
  expect_same_as_whole("parts");
}

// Each process gives up in the middle of its second step, the first one in that of its first, and so some of them when
// other layers have been drawn that have not trained yet.
TEST_P(LisaResume, EveryStepCanBeGivenUp) {
  process("whole")->run_with_files();
  for (int64_t step = 0; step <= kSteps; ++step) {
    const auto part = process("parts");
    auto asked = std::make_shared<int64_t>(0);
    const int64_t when = step == 0 ? 2 : kMicroBatches + 2;
    part->run_with_files({.give_up_step = [=] { return ++*asked == when; }});
    ASSERT_EQ(part->progress.step, step);
    EXPECT_EQ(lisa_saved("parts", step).draws, std::min(step / 3 + 1, int64_t{4}));
  }
  expect_same_as_whole("parts");
}

TEST_P(LisaResume, ReadingLateChangesNothing) {
  process("whole")->run_with_files();
  process("late")->run_with_files({.reads_late = true});
  expect_same_as_whole("late");
}

INSTANTIATE_TEST_SUITE_P(
    Runs, LisaResume,
    testing::Values(
        LisaCase{}, LisaCase{.states = LisaStates::kDrop},
        LisaCase{.scheme = "mix+gpas", .states = LisaStates::kDrop, .fine_tunes = false},
        LisaCase{.sampling = LisaSampling::kWeighted, .precision = Precision::kMixed},
        LisaCase{.scheme = "sandwich", .states = LisaStates::kDrop, .sampling = LisaSampling::kWeighted},
        LisaCase{.states = LisaStates::kDrop, .precision = Precision::kBf16, .rounding = Rounding::kStochastic},
        LisaCase{.kind = config::OptimizerKind::kMuon},
        LisaCase{.states = LisaStates::kDrop, .precision = Precision::kMixed, .kind = config::OptimizerKind::kMuon},
        LisaCase{.states = LisaStates::kDrop, .kind = config::OptimizerKind::kAdemamix},
        LisaCase{.scheme = "hybrid+gpas", .states = LisaStates::kDrop}, LisaCase{.scheme = "derf+gpas"}),
    [](const auto& info) { return name_of(info.param); });

class LisaErrors : public testing::Test {
 protected:
  // What taking up that state says.
  std::string error_with(const LisaState& lisa, int64_t step = 6) {
    return error_of([&] { run_.training.lisa->restore(lisa, step); });
  }

  const TempFolder folder_;
  const std::unique_ptr<workers::Communicator> alone_ = workers::alone();
  LisaRun run_{lisa_config({}, folder_ / "run"), *alone_};
  const optim::LisaDraws draws_{run_.config.lisa, static_cast<uint64_t>(run_.config.run.seed),
                                std::vector<double>(4, 1.0)};
  const LisaState good_{
      .draws = 2, .layers = draws_.layers_of(1), .updates_L = {3, 3, 3, 3}, .weights_L = {1.0, 1.0, 1.0, 1.0}};
};

TEST_F(LisaErrors, NameWhatIsNoStateOfThisRun) {
  EXPECT_EQ(error_with(good_), "no error");
  LisaState lisa = good_;
  lisa.layers = good_.layers == Layers{0, 1} ? Layers{1, 2} : Layers{0, 1};
  EXPECT_THAT(error_with(lisa), HasSubstr(str("the checkpoint trains layers ", lisa.layers[0], ", ", lisa.layers[1],
                                              ", but draw 2 of lisa.seed is ", good_.layers[0])));
  lisa = good_;
  lisa.draws = 0;
  EXPECT_THAT(error_with(lisa), HasSubstr("but draw 0 of lisa.seed is "));
  lisa = good_;
  lisa.updates_L.pop_back();
  EXPECT_THAT(error_with(lisa), HasSubstr("the checkpoint's layers take turns among 3, the model has 4"));
  lisa = good_;
  lisa.weights_L.push_back(1.0);
  EXPECT_THAT(error_with(lisa), HasSubstr("the model has 4"));
  lisa = good_;
  lisa.weights_L[1] = 0.0;
  EXPECT_THAT(error_with(lisa), HasSubstr("a layer is drawn with weight 0"));
  lisa = good_;
  lisa.updates_L[2] = 7;
  EXPECT_THAT(error_with(lisa), HasSubstr("after 6 steps a layer cannot have made 7 updates"));
}

// A state that was refused is not half taken up.
TEST_F(LisaErrors, LeaveTheTurnsAsTheyWere) {
  const LisaState before = run_.lisa().value();
  LisaState lisa = good_;
  lisa.layers = {1, 7};
  EXPECT_THAT(error_with(lisa), HasSubstr("trains layers 1, 7"));
  EXPECT_EQ(run_.lisa(), before);
}

TEST_F(LisaErrors, SayThatLisaCannotComeOrGo) {
  for (const int64_t before : {0, 2}) {
    config::RunConfig config = lisa_config({}, folder_ / str("run", before));
    config.lisa.layers = before;
    LisaRun(config, *alone_).run_with_files({.stop_after = 1});
    config.lisa.layers = 2 - before;
    EXPECT_THAT(error_of([&] { LisaRun(config, *alone_); }),
                testing::AllOf(HasSubstr("lisa.layers was "), testing::EndsWith("another run.dir starts anew")));
    config.train.allow_change = {"lisa"};
    EXPECT_THAT(error_of([&] { LisaRun(config, *alone_); }),
                HasSubstr(str("the checkpoint was saved by a run ", before > 0 ? "with" : "without",
                              " LISA: lisa.layers cannot change between none and some")));
  }
}

// Another seed would have drawn other layers.
TEST_F(LisaErrors, SayThatTheSeedIsAnother) {
  LisaRun(run_.config, *alone_).run_with_files({.stop_after = 1});
  config::RunConfig config = run_.config;
  config.lisa.seed = 3;
  config.train.allow_change = {"lisa.seed"};
  EXPECT_THAT(error_of([&] { LisaRun(config, *alone_); }), HasSubstr("but draw 1 of lisa.seed is"));
}

}  // namespace
}  // namespace strata::train
