// Real studies of A against A: the rate of false verdicts is what is claimed.
#include <gmock/gmock.h>

#include <cmath>

#include "strata/run/run.h"
#include "strata/run/settle.h"
#include "strata/study/results.h"
#include "support/small_run.h"

namespace strata::study {
namespace {

constexpr int kStudies = 40, kSeeds = 3;

// The same training, once with these seeds.
ArmRuns train(const test::SmallRun& small, const std::string& name, int64_t first_seed) {
  ArmRuns arm{.name = name, .asked = kSeeds};
  for (int64_t pair = 1; pair <= kSeeds; ++pair) {
    const std::string folder = (small / "run").string();
    const config::RunConfig config =
        run::load_config(small.config(), {"run.dir=" + folder, str("run.seed=", first_seed + pair), "run.threads=1",
                                          "train.steps=6", "train.global_batch=4", "schedule.warmup_steps=0",
                                          "checkpoint.every=0", "evaluate.every=0", "telemetry.tensorboard=false"});
    const run::RunResult result = run::pretrain(config, {.says = false});
    RunLog log{.is_complete = true};
    log.evaluations = {.step = {6}, .columns = {{"loss", {*result.validation_loss}}}};
    arm.runs.emplace(pair, std::move(log));
    std::filesystem::remove_all(folder);
  }
  return arm;
}

// Of 40 studies whose arms are one training with other seeds, how many find a difference. The bound is what a binomial
// of 40 at 0.05 exceeds once in a thousand times; the seeds are fixed, so that the number is always the same.
TEST(NoDifference, IsRarelyTakenForOne) {
  const test::SmallRun small;
  int false_verdicts = 0;
  for (int study = 0; study < kStudies; ++study) {
    const std::vector<ArmRuns> arms{train(small, "a", 1000 * study), train(small, "b", 1000 * study + 500)};
    const Results results = results_of(arms, 0, outcome_of("validation_loss"));
    ASSERT_EQ(results.arms[1].test.differences.n, kSeeds);
    EXPECT_GT(results.arms[1].test.differences.sd, 0.0);  // the seeds do something
    false_verdicts += results.arms[1].p_holm <= kLevel ? 1 : 0;
  }
  RecordProperty("false_verdicts", false_verdicts);
  EXPECT_LE(false_verdicts, 7);
}

}  // namespace
}  // namespace strata::study
