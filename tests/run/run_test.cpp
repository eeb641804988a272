// Runs as another program makes them: several in one process, with hooks of its own.
#include "strata/run/run.h"

#include <gmock/gmock.h>

#include "strata/run/settle.h"
#include "support/errors.h"
#include "support/small_run.h"
#include "support/temp_folder.h"

namespace strata::run {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

config::RunConfig config_of(const test::SmallRun& small, const std::string& run) {
  return load_config(small.config(), {"run.dir=" + (small / run).string(), "run.threads=2"});
}

std::vector<double> losses_in(const test::SmallRun& small, const std::string& run) {
  std::vector<double> losses;
  for (const nlohmann::json& line : small.lines(run, "metrics.jsonl")) losses.push_back(line.at("loss"));
  return losses;
}

class Steps final : public train::Hook {
 public:
  explicit Steps(std::vector<int64_t>& steps) : steps_(steps) {}
  void after_step(const train::StepReport& report, const train::Progress&) override { steps_.push_back(report.step); }

 private:
  std::vector<int64_t>& steps_;
};

TEST(Run, TellsHowItEnded) {
  const test::SmallRun small;
  const RunResult result = pretrain(config_of(small, "r"));
  EXPECT_EQ(result.progress.step, 9);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.losses, losses_in(small, "r"));
  EXPECT_EQ(result.validation_loss, small.lines("r", "eval.jsonl").back().at("loss").get<double>());
}

TEST(Run, FollowsAnotherInOneProcess) {
  const test::SmallRun small;
  const RunResult first = pretrain(config_of(small, "first"));
  const std::string log = test::read_file(small / "first" / "log.txt");
  const RunResult second = pretrain(config_of(small, "second"));
  EXPECT_EQ(first.losses, second.losses);
  EXPECT_EQ(test::read_file(small / "first" / "log.txt"), log);
  EXPECT_THAT(test::read_file(small / "second" / "log.txt"), HasSubstr("checkpoint of step 9"));
}

TEST(Run, SaysNothingWhereItIsAskedNotTo) {
  const test::SmallRun small;
  testing::internal::CaptureStdout();
  pretrain(config_of(small, "r"), {.says = false});
  EXPECT_THAT(testing::internal::GetCapturedStdout(), IsEmpty());
  EXPECT_THAT(losses_in(small, "r"), Not(IsEmpty()));
}

TEST(Run, CallsHooksOfTheProgram) {
  const test::SmallRun small;
  std::vector<int64_t> steps;
  pretrain(config_of(small, "r"), {.hooks = {[&](train::Training&) { return std::make_unique<Steps>(steps); }}});
  EXPECT_THAT(steps, testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(Run, ThrowsForAConfigThatCannotBe) {
  const test::SmallRun small;
  config::RunConfig config = config_of(small, "r");
  config.norm.scheme = "sandwhich";
  EXPECT_THAT(test::error_of([&] { pretrain(config); }), HasSubstr("norm.scheme: unknown scheme \"sandwhich\""));
  config = config_of(small, "r");
  config.data.train.clear();
  EXPECT_THAT(test::error_of([&] { pretrain(config); }), HasSubstr("data.train: names no files"));
}

}  // namespace
}  // namespace strata::run
