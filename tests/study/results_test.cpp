// From what runs logged to a table and sentences.
#include "strata/study/results.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "strata/base/text.h"

namespace strata::study {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A run that was evaluated at these steps.
RunLog run_of(const std::vector<double>& steps, const std::vector<double>& losses) {
  RunLog run;
  run.is_complete = true;
  run.evaluations = {.step = steps, .columns = {{"loss", losses}, {"tokens", {}}}};
  for (const double step : steps) run.evaluations.columns["tokens"].push_back(1000 * step);
  run.metrics = {.step = steps, .columns = {{"seconds", std::vector<double>(steps.size(), 0.5)}}};
  return run;
}

ArmRuns arm_of(const std::string& name, const std::vector<double>& losses) {
  ArmRuns arm{.name = name, .asked = std::ssize(losses)};
  for (size_t seed = 0; seed < losses.size(); ++seed) {
    arm.runs.emplace(static_cast<int64_t>(seed) + 1, run_of({10, 20}, {5.0, losses[seed]}));
  }
  return arm;
}

TEST(Results, SayWhatIsDifferent) {
  const std::vector<ArmRuns> arms{arm_of("pre", {3.10, 3.20, 3.15, 3.18, 3.12}),
                                  arm_of("better", {3.07, 3.17, 3.12, 3.14, 3.09}),
                                  arm_of("same", {3.11, 3.18, 3.16, 3.19, 3.12})};
  const Results results = results_of(arms, 0, outcome_of("validation_loss"), 3.2);
  EXPECT_THAT(
      verdicts(results),
      ElementsAre("better is lower than pre by 0.0320 ± 0.0056 (95 % CI, 5 seeds, p < 0.001 after Holm)",
                  AllOf(HasSubstr("same and pre are not distinguishable with 5 seeds (difference 0.002 ± 0.016"),
                        HasSubstr("they would have shown a difference of ")),
                  HasSubstr("pre is below 3.2 (one-sided, 5 seeds, p = "), HasSubstr("better is below 3.2"),
                  HasSubstr("same is below 3.2")));
  EXPECT_NEAR(results.arms[1].test.differences.mean, -0.032, 1e-12);
}

// One of fifteen arms differs by what two seeds alone would show, and fifteen times two seeds do not.
TEST(Results, CouldHaveShownMoreThanWhatTheyDoNotShow) {
  std::vector<ArmRuns> arms{arm_of("pre", {3.10, 3.20})};
  for (int i = 0; i < 15; ++i) arms.push_back(arm_of(str("arm", i), {3.54 + 0.01 * i, 3.60}));
  const Results results = results_of(arms, 0, outcome_of("validation_loss"));
  EXPECT_LT(results.arms[1].test.p, 0.05);
  for (const ArmResult& arm : results.arms) {
    if (arm.name == "pre") continue;
    EXPECT_GT(arm.p_holm, 0.05) << arm.name;
    EXPECT_GT(arm.smallest_difference, std::abs(arm.test.differences.mean)) << arm.name;
    EXPECT_GT(arm.seeds_needed, 2) << arm.name;
  }
}

TEST(Results, WriteLargeDifferencesInFull) {
  const std::vector<ArmRuns> arms{arm_of("pre", {100.0, 900.0}), arm_of("x", {700.0, 300.0})};
  EXPECT_THAT(verdicts(results_of(arms, 0, outcome_of("validation_loss"))),
              ElementsAre(AllOf(HasSubstr("they would have shown a difference of 9,800"), Not(HasSubstr("e+")))));
}

// None of them is passed over in silence.
TEST(Results, CountWhatFailed) {
  std::vector<ArmRuns> arms{arm_of("pre", {3.1, 3.2, 3.3}), arm_of("x", {3.0, 3.1, 3.2})};
  arms[1].runs.at(2).evaluations.columns["loss"].back() = std::numeric_limits<double>::quiet_NaN();
  arms[1].runs.at(3) = {};
  arms[1].runs.at(3).failure = "out of memory";
  arms[1].asked = 4;  // and one has not begun
  const Results results = results_of(arms, 0, outcome_of("validation_loss"));
  EXPECT_EQ(results.arms[1].failed, 2);
  EXPECT_EQ(results.arms[1].missing, 1);
  EXPECT_EQ(results.arms[1].summary.n, 1);
  EXPECT_THAT(verdicts(results),
              ElementsAre("x: of 4 runs 2 failed or came to no such outcome, 1 has not ended; what is said of it rests "
                          "on the others",
                          "x and pre differ by -0.1000 with 1 seed, which says nothing about chance"));
}

TEST(Results, OfEqualArmsAndOfNone) {
  const std::vector<ArmRuns> arms{arm_of("a", {3.1, 3.2}), arm_of("b", {3.1, 3.2}), arm_of("c", {})};
  EXPECT_THAT(
      verdicts(results_of(arms, 0, outcome_of("validation_loss"))),
      ElementsAre("b and a do not differ in any of 2 seeds", "c cannot be compared with a: no seed has ended in both"));
}

// Between two evaluations the loss falls along a straight line.
TEST(Results, MeasureHowSoonTheBaselinesLossIsReached) {
  std::vector<ArmRuns> arms{{.name = "pre", .asked = 2}, {.name = "fast", .asked = 2}};
  arms[0].runs.emplace(1, run_of({10, 20, 30}, {5.0, 4.0, 3.0}));
  arms[0].runs.emplace(2, run_of({10, 20, 30}, {5.0, 4.0, 3.5}));
  arms[1].runs.emplace(1, run_of({10, 20, 30}, {4.0, 2.0, 1.0}));  // 3.0 half way from 10 to 20
  arms[1].runs.emplace(2, run_of({10, 20, 30}, {5.0, 4.0, 3.6}));  // never
  const Results steps = results_of(arms, 0, outcome_of("steps_to_baseline"));
  EXPECT_THAT(steps.arms[0].values, ElementsAre(std::pair(1, 30.0), std::pair(2, 30.0)));
  EXPECT_THAT(steps.arms[1].values, ElementsAre(std::pair(1, 15.0)));
  EXPECT_EQ(steps.arms[1].failed, 1);
  EXPECT_EQ(results_of(arms, 0, outcome_of("tokens_to_baseline")).arms[1].values.at(1), 15000.0);
  EXPECT_EQ(results_of(arms, 0, outcome_of("seconds_to_baseline")).arms[1].values.at(1), 7.5);
}

TEST(Results, OfTasksAreHigherWhereTheyAreBetter) {
  std::vector<ArmRuns> arms{{.name = "pre", .asked = 1}, {.name = "x", .asked = 1}};
  for (size_t arm = 0; arm < 2; ++arm) {
    RunLog run = run_of({10}, {3.0});
    run.tasks["arc_easy"] = {.step = {10}, .columns = {{"acc", {0.3 + 0.1 * static_cast<double>(arm)}}}};
    arms[arm].runs.emplace(1, run);
  }
  const Results results = results_of(arms, 0, outcome_of("arc_easy"));
  EXPECT_NEAR(results.arms[1].test.differences.mean, 0.1, 1e-12);
  EXPECT_EQ(best_of(arms, outcome_of("arc_easy")), 1U);
}

// A value that fails with one seed is no candidate, however good it is with another.
TEST(Results, TuningTakesTheBestOfWhatCameThrough) {
  std::vector<ArmRuns> candidates{arm_of("slow", {3.3, 3.4}), arm_of("good", {3.1, 3.2}), arm_of("wild", {2.0, 3.2})};
  candidates[2].runs.at(2).failure = "not finite";
  candidates[2].runs.at(2).is_complete = false;
  EXPECT_EQ(best_of(candidates, outcome_of("validation_loss")), 1U);
  EXPECT_EQ(best_of({candidates[2]}, outcome_of("validation_loss")), std::nullopt);
}

TEST(Results, BecomeTables) {
  const std::vector<ArmRuns> arms{arm_of("pre", {3.10, 3.20, 3.15}), arm_of("a,\"b\"_c", {3.07, 3.17, 3.13})};
  const Results results = results_of(arms, 0, outcome_of("validation_loss"));
  EXPECT_THAT(table_of(results).rows(), SizeIs(2));
  EXPECT_THAT(table_of(results).rows()[0], testing::Contains("baseline"));
  const std::string csv = csv_of({results});
  EXPECT_THAT(csv, HasSubstr("\nvalidation_loss,pre,,pre,3,3,0,0,3.15"));
  EXPECT_THAT(csv, HasSubstr(",\"a,\"\"b\"\"_c\",,pre,3,3,0,0,"));
  EXPECT_THAT(csv, HasSubstr("1:3.07 2:3.17 3:3.13\n"));
  EXPECT_THAT(latex_of(results), AllOf(HasSubstr("\\toprule"), HasSubstr("a,\"b\"\\_c & 3 & $3.1233 \\pm ")));
}

}  // namespace
}  // namespace strata::study
