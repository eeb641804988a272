// Sweeps as files, arms and runs.
#include "strata/study/sweep.h"

#include <gmock/gmock.h>

#include "strata/study/runs.h"
#include "support/errors.h"
#include "support/small_run.h"

namespace strata::study {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> names_of(const std::vector<Arm>& arms) {
  std::vector<std::string> names;
  for (const Arm& arm : arms) names.push_back(arm.name);
  return names;
}

class SweepFile : public testing::Test {
 protected:
  SweepConfig read(const std::string& text) {
    test::write_file(folder_ / "s.yaml", text);
    return read_sweep(folder_ / "s.yaml");
  }
  std::string error(const std::string& text) {
    return error_of([&] { arms_of(read(text)); });
  }
  test::TempFolder folder_;
};

TEST_F(SweepFile, CrossesWhatVariesAndZipsWhatMovesTogether) {
  const SweepConfig sweep = read(
      "base: ../c.yaml\n"
      "zip: {model.layers: [2, 4], optimizer.lr: [2e-3, 1e-3]}\n"
      "vary: {norm.scheme: [pre, pre+gpas]}\n"
      "seeds: 2\n");
  EXPECT_EQ(sweep.base, (folder_.path().parent_path() / "c.yaml").string());
  EXPECT_EQ(sweep.output, "sweeps/s");
  EXPECT_THAT(sweep.seeds.numbers, ElementsAre(1, 2));
  const std::vector<Arm> arms = arms_of(sweep);
  EXPECT_THAT(names_of(arms), ElementsAre("2_2e-3_pre", "2_2e-3_pre+gpas", "4_1e-3_pre", "4_1e-3_pre+gpas"));
  EXPECT_THAT(arms[3].overrides, ElementsAre("model.layers=4", "optimizer.lr=1e-3", "norm.scheme=pre+gpas"));
}

TEST_F(SweepFile, ReadsWhatItWrites) {
  const SweepConfig sweep = read(
      "base: c.yaml\nset: [train.steps=7]\nzip: {norm.scheme: [pre, lns], data.train: [[a, b], [c]]}\n"
      "names: [one, two]\nbaseline: two\nseeds: [4, 9]\nseed_of: data\ntune: {optimizer.lr: [1e-3, 2e-3]}\n"
      "tune_seeds: 2\noutcome: [arc_easy, validation_loss]\nbudget: flops\ntarget: 3.28\noutput: here\n");
  EXPECT_THAT(sweep.tune_seeds.numbers, ElementsAre(1001, 1002));
  EXPECT_THAT(arms_of(sweep)[0].overrides, ElementsAre("norm.scheme=pre", "data.train=[a, b]"));
  EXPECT_EQ(baseline_of(sweep, arms_of(sweep)), 1U);
  SweepConfig again = read(to_yaml(sweep));
  again.base = sweep.base;  // a path in a file is relative to it
  EXPECT_EQ(again, sweep);
}

TEST_F(SweepFile, NamesWhatIsWrong) {
  const std::string file = (folder_ / "s.yaml").string();
  EXPECT_THAT(error("vary: {norm.scheme: [pre]}\n"), HasSubstr("base: names no config"));
  EXPECT_THAT(error("base: c\nvarry: {}\n"), StartsWith(file + ":2: varry: unknown key; did you mean \"vary\"?"));
  EXPECT_THAT(error("base: c\nvary: {norm.scheme: pre}\n"), HasSubstr("expected map from keys to lists of values"));
  EXPECT_THAT(error("base: c\nzip: {norm.scheme: [pre, lns], model.layers: [2]}\n"),
              HasSubstr("zip: model.layers has 1 values, and norm.scheme has 2"));
  EXPECT_THAT(error("base: c\nvary: {norm.scheme: [pre, pre]}\n"), HasSubstr("two arms are called pre"));
  EXPECT_THAT(error("base: c\nvary: {norm.scheme: [pre, lns]}\nnames: [a]\n"), HasSubstr("2 arms and 1 names"));
  EXPECT_THAT(error("base: c\nseeds: 0\n"), HasSubstr(":2: seeds: expected list of integers, or how many"));
  EXPECT_THAT(error("base: c\nseeds: [1, 1]\n"), HasSubstr("seeds: one is there twice"));
  EXPECT_THAT(error("base: c\nseeds: [1, 1001]\ntune: {optimizer.lr: [1]}\n"),
              HasSubstr("tune_seeds: 1001 is among seeds too"));
  const SweepConfig sweep = read("base: c\nvary: {norm.scheme: [pre, sandwich]}\nbaseline: sandwhich\n");
  EXPECT_THAT(error_of([&] { baseline_of(sweep, arms_of(sweep)); }), HasSubstr("did you mean \"sandwich\"?"));
}

TEST(Study, MakesEachRunOfItsOwnConfig) {
  const test::SmallRun small;
  const SweepConfig sweep{.base = small.config(),
                          .set = {"train.steps=6"},
                          .vary = {{"norm.scheme", {"pre", "pre+gpas"}}},
                          .seeds = {{1, 2}},
                          .tune = {{"optimizer.lr", {"1e-3", "2e-3"}}},
                          .output = (small / "sweep").string()};
  Study study(sweep);
  study.set_execution({.threads = 1, .gemm = "aten"});
  const std::vector<study::Run> tuning = study.tuning_runs();
  ASSERT_EQ(tuning.size(), 4U);
  EXPECT_EQ(tuning[3].name, "tune-pre+gpas-optimizer.lr=2e-3-s1001");
  EXPECT_EQ(tuning[3].config.optimizer.lr, 2e-3);
  const std::vector<study::Run> runs = study.judged_runs({{"optimizer.lr=1e-3"}, {"optimizer.lr=2e-3"}});
  ASSERT_EQ(runs.size(), 4U);
  EXPECT_EQ(runs[3].name, "pre+gpas-s2");
  EXPECT_EQ(runs[3].config.run.seed, 2);
  EXPECT_EQ(runs[3].config.train.steps, 6);
  EXPECT_EQ(runs[3].config.run.threads, 1);
  EXPECT_EQ(runs[3].folder(), small / "sweep" / "runs" / "pre+gpas-s2");
  EXPECT_NE(runs[0].identity, runs[1].identity);
  EXPECT_NE(runs[0].identity, runs[2].identity);
  EXPECT_EQ(runs[0].identity, Study(sweep).judged_runs({{"optimizer.lr=0.001"}, {}})[0].identity);
}

// What a seed decides can be told apart.
TEST(Study, SplitsSeeds) {
  const test::SmallRun small;
  SweepConfig sweep{.base = small.config(),
                    .set = {"run.seed=7"},
                    .vary = {{"norm.scheme", {"pre"}}},
                    .seeds = {{1}},
                    .seed_of = SeedOf::kData,
                    .output = (small / "sweep").string()};
  const config::RunConfig data = Study(sweep).judged_runs({{}})[0].config;
  EXPECT_EQ(data.run.seed, 7);
  EXPECT_EQ(data.order_seed(), 1U);
  sweep.seed_of = SeedOf::kInit;
  const config::RunConfig init = Study(sweep).judged_runs({{}})[0].config;
  EXPECT_EQ(init.run.seed, 1);
  EXPECT_EQ(init.order_seed(), 7U);
}

// Twice the layers are about twice the FLOPs of a token, head and embedding aside.
TEST(Study, GivesArmsTheSameFlops) {
  const test::SmallRun small;
  const SweepConfig sweep{.base = small.config(),
                          .set = {"train.steps=400"},
                          .vary = {{"model.layers", {"2", "8"}}},
                          .seeds = {{1}},
                          .budget = Budget::kFlops,
                          .output = (small / "sweep").string()};
  const std::vector<study::Run> runs = Study(sweep).judged_runs({{}, {}});
  EXPECT_EQ(runs[0].config.train.steps, 400);
  EXPECT_LT(runs[1].config.train.steps, 200);
  EXPECT_NEAR(flops_of(runs[1].config) / flops_of(runs[0].config), 1.0, 0.005);
}

TEST(Study, NamesArmAndKeyOfWhatCannotRun) {
  const test::SmallRun small;
  const auto error = [&](SweepConfig sweep) {
    sweep.base = small.config();
    return error_of([&] { const Study refused(sweep); });
  };
  EXPECT_THAT(error({.vary = {{"norm.scheme", {"pre", "sandwhich"}}}}),
              testing::AllOf(StartsWith("arm sandwhich: "), HasSubstr("did you mean \"sandwich\"?")));
  EXPECT_THAT(error({.vary = {{"norm.scheme", {"pre"}}}, .outcome = {"perplexity"}}),
              HasSubstr("outcome: perplexity is neither validation_loss"));
  EXPECT_THAT(
      error({.set = {"evaluate.every=0"}, .vary = {{"norm.scheme", {"pre"}}}, .outcome = {"steps_to_baseline"}}),
      HasSubstr("needs evaluate.every"));
}

}  // namespace
}  // namespace strata::study
