// `strata pretrain` as users run it: on small made-up text, from the command line.
#include <nlohmann/json.hpp>

#include "strata/io/json.h"
#include "support/data_fixtures.h"
#include "support/small_run.h"

namespace strata::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

class Pretrain : public testing::Test {
 protected:
  void expect_refused(const std::vector<std::string>& overrides, int exit_code,
                      const std::vector<std::string>& fragments) const {
    SCOPED_TRACE(testing::PrintToString(overrides));
    const Finished finished = run_.pretrain("refused", overrides);
    EXPECT_EQ(finished.exit_code, exit_code) << finished.err;
    for (const std::string& fragment : fragments) EXPECT_THAT(finished.err, HasSubstr(fragment));
    // One line, after what tokenization may have said of files that were fine.
    const size_t error = finished.err.find("error: ");
    EXPECT_EQ(finished.err.find('\n', error) + 1, finished.err.size()) << finished.err;
    EXPECT_FALSE(std::filesystem::exists(run_ / "refused" / "checkpoints"));
  }

  const SmallRun run_;
};

TEST_F(Pretrain, TheResolvedConfigGivesTheSameBytesAgain) {
  ASSERT_EQ(run_.pretrain("first").exit_code, 0);
  const Finished again =
      run_strata({"pretrain", run_ / "first" / "config.yaml", "run.dir=" + (run_ / "again").string()});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(run_.weights("again", 9), run_.weights("first", 9));
}

TEST_F(Pretrain, WritesTheUntrainedStartAndWhatUsersRead) {
  ASSERT_EQ(run_.pretrain("start", {"train.stop_after=0"}).exit_code, 0);
  const auto start = run_ / "start" / "checkpoints" / "step_00000000";
  const Finished init = run_strata({"init", run_.config(), run_ / "init"});
  ASSERT_EQ(init.exit_code, 0) << init.err;
  EXPECT_EQ(read_file(start / "model.safetensors"), read_file(run_ / "init" / "model.safetensors"));

  const Finished run = run_.pretrain("run");
  EXPECT_THAT(run.out, HasSubstr("parameters"));
  EXPECT_THAT(run.out, HasSubstr("step 9/9"));
  for (const json& line : run_.lines("run", "metrics.jsonl")) EXPECT_GT(line.at("loss"), 0.0);
  const json layer = run_.lines("run", "layers.jsonl").at(4);
  for (const char* key :
       {"activation_variance", "gradient_norm", "weight_norm", "gate", "gate_factor", "gate_gradient"}) {
    EXPECT_EQ(layer.at(key).size(), 2U) << key;
  }
  const std::vector<json> evaluations = run_.lines("run", "eval.jsonl");
  ASSERT_EQ(evaluations.size(), 2U);  // at step 5 and at the end
  EXPECT_EQ(evaluations[1].at("step"), 9);
  EXPECT_LT(evaluations[1].at("ppl_paper"), evaluations[1].at("ppl"));
  EXPECT_FALSE(std::filesystem::is_empty(run_ / "run" / "tb"));
  const Finished text =
      run_strata({"generate", run_ / "run" / "checkpoints" / "step_00000009", "--prompt", "a", "--tokens", "5"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
}

// Gradients are sums over the tokens of the global batch, however it is cut.
TEST_F(Pretrain, MicroBatchesChangeOnlyTheRounding) {
  ASSERT_EQ(run_.pretrain("four").exit_code, 0);
  ASSERT_EQ(run_.pretrain("twelve", {"train.micro_batch=12"}).exit_code, 0);
  const auto four = run_.lines("four", "metrics.jsonl"), twelve = run_.lines("twelve", "metrics.jsonl");
  for (size_t i = 0; i < four.size(); ++i) {
    EXPECT_NEAR(four[i].at("loss").get<double>(), twelve[i].at("loss").get<double>(), 2e-5);
  }
}

TEST_F(Pretrain, RefusesWhatCannotWork) {
  const std::string missing = (run_ / "missing").string();
  write_file(run_ / "broken.jsonl", "{\"text\": \"fine\"}\n{\"text\": \"cut\n");
  write_file(run_ / "no_text.jsonl", "{\"url\": \"x\"}\n");
  write_file(run_ / "latin.jsonl", "{\"text\": \"caf\xe9\"}\n");
  const auto train = [&](const std::string& name) { return "data.train=[" + (run_ / name).string() + "]"; };
  expect_refused({"data.tokenizer=" + missing}, kFailed, {missing});
  expect_refused({"data.tokenizer=''"}, kWrongUsage, {"data.tokenizer"});
  expect_refused({"data.train=[]"}, kWrongUsage, {"data.train"});
  expect_refused({train("nothing-*.json.gz")}, kWrongUsage, {"data.train", "nothing-*.json.gz"});
  expect_refused({"data.validation=[" + missing + "]"}, kWrongUsage, {"data.validation", missing});
  expect_refused({train("broken.jsonl")}, kFailed, {"broken.jsonl:2"});
  expect_refused({train("no_text.jsonl")}, kFailed, {"no_text.jsonl:1", "text"});
  expect_refused({train("latin.jsonl")}, kFailed, {"latin.jsonl:1", "UTF-8"});
  expect_refused({"model.vocab=100"}, kWrongUsage, {"model.vocab=100", "200"});
  expect_refused({"train.micro_batch=5"}, kWrongUsage, {"train.micro_batch", "4 and 6 do"});
  expect_refused({"schedule.warmup_steps=10"}, kWrongUsage, {"schedule.warmup_steps", "10", "9"});
  expect_refused({"train.resume=" + missing}, kFailed, {missing, "no such checkpoint"});
  expect_refused({"norm.scheme=sandwhich+gpas"}, kWrongUsage, {"norm.scheme", "did you mean \"sandwich+gpas\""});
  expect_refused({"train.precision=fp16"}, kWrongUsage, {"train.precision", "fp16"});
  expect_refused({"optimizer.kind=sgd"}, kWrongUsage, {"optimizer.kind", "sgd"});
  expect_refused({"run.dir=/proc/run"}, kFailed, {"run.dir", "/proc/run"});
}

// A rate that throws the weights out of range: the run stops before the bad update and keeps its last checkpoint.
TEST_F(Pretrain, StopsOrSkipsWhatIsNotFinite) {
  const std::vector<std::string> explosion{"optimizer.lr=1e38", "checkpoint.every=1", "schedule.warmup_steps=0"};
  const Finished stopped = run_.pretrain("stopped", explosion);
  EXPECT_EQ(stopped.exit_code, kFailed);
  EXPECT_THAT(stopped.err, HasSubstr("nothing was changed"));
  auto skipping = explosion;
  skipping.emplace_back("train.on_nonfinite=skip");
  EXPECT_EQ(run_.pretrain("skipped", skipping).exit_code, 0);
  EXPECT_TRUE(run_.lines("skipped", "metrics.jsonl").back().at("skipped"));
}

}  // namespace
}  // namespace strata::test
