// `strata pretrain` as users run it: on small made-up text, from the command line.
#include <nlohmann/json.hpp>

#include "strata/io/json.h"
#include "support/bad_server.h"
#include "support/data_fixtures.h"
#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

class Pretrain : public testing::Test {
 protected:
  Pretrain() {
    data::test::made_up_source(folder_.path(), "a.jsonl", 0, 40);
    data::test::made_up_source(folder_.path(), "b.json.gz", 40, 70);
    data::test::made_up_source(folder_.path(), "valid.jsonl", 70, 90);
    write_file(config_,
               "model: {vocab: 200, hidden: 32, intermediate: 48, layers: 2, heads: 2}\n"
               "norm: {scheme: sandwich+gpas}\n"
               "data: {tokenizer: " +
                   data::test::small_model().string() + ", train: [\"" + (folder_ / "a.jsonl").string() + "\", \"" +
                   (folder_ / "b.json*").string() + "\"], validation: [" + (folder_ / "valid.jsonl").string() +
                   "], cache: " + (folder_ / "cache").string() +
                   ", sequence_length: 32}\n"
                   "train: {steps: 9, global_batch: 12, micro_batch: 4, clip: {global: 1.0, gates: 0.01}}\n"
                   "schedule: {warmup_steps: 3}\n"
                   "checkpoint: {every: 4}\n"
                   "evaluate: {every: 5, tokens: 300}\n"
                   "run: {gemm: aten}\n");
  }

  Finished pretrain(const std::string& run, std::vector<std::string> overrides = {}) const {
    overrides.insert(overrides.begin(), {"pretrain", config_, "run.dir=" + (folder_ / run).string()});
    return run_strata(overrides);
  }

  std::string weights(const std::string& run, const std::string& step) const {
    return read_file(folder_ / run / "checkpoints" / ("step_0000000" + step) / "model.safetensors");
  }

  // Every value of a file of JSON lines but the times.
  std::vector<json> lines(const std::string& run, const std::string& file) const {
    std::vector<json> found;
    std::istringstream text(read_file(folder_ / run / file));
    for (std::string line; std::getline(text, line);) {
      found.push_back(json::parse(line));
      found.back().erase("seconds");
      found.back().erase("tokens_per_second");
    }
    return found;
  }

  void expect_refused(const std::vector<std::string>& overrides, int exit_code,
                      const std::vector<std::string>& fragments) const {
    SCOPED_TRACE(testing::PrintToString(overrides));
    const Finished finished = pretrain("refused", overrides);
    EXPECT_EQ(finished.exit_code, exit_code) << finished.err;
    for (const std::string& fragment : fragments) EXPECT_THAT(finished.err, HasSubstr(fragment));
    // One line, after what tokenization may have said of files that were fine.
    const size_t error = finished.err.find("error: ");
    EXPECT_EQ(finished.err.find('\n', error) + 1, finished.err.size()) << finished.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "refused" / "checkpoints"));
  }

  const TempFolder folder_;
  const std::string config_ = folder_ / "c.yaml";
};

// 70 rows of 12 a step: nine steps cross the end of an epoch.
TEST_F(Pretrain, ResumedRunsEndWithTheSameBytes) {
  for (const std::string mode :
       {"data.rows=document", "data.rows=packed", "train.precision=bf16", "train.precision=mixed"}) {
    SCOPED_TRACE(mode);
    const std::string whole = "whole " + mode, split = "split " + mode;
    ASSERT_EQ(pretrain(whole, {mode}).exit_code, 0);
    ASSERT_EQ(pretrain(split, {mode, "train.stop_after=3"}).exit_code, 0);
    ASSERT_EQ(pretrain(split, {mode, "train.stop_after=7"}).exit_code, 0);
    ASSERT_EQ(pretrain(split, {mode}).exit_code, 0);
    EXPECT_EQ(weights(split, "9"), weights(whole, "9"));
    for (const char* file : {"metrics.jsonl", "layers.jsonl"})
      EXPECT_EQ(lines(split, file), lines(whole, file)) << file;
    EXPECT_EQ(lines(whole, "metrics.jsonl").size(), 9U);
    EXPECT_EQ(lines(whole, "metrics.jsonl").back()["epoch"],
              mode == "data.rows=packed" ? lines(whole, "metrics.jsonl").back()["epoch"] : json(1));
  }
}

TEST_F(Pretrain, ADamagedCheckpointIsSkippedAndNamed) {
  ASSERT_EQ(pretrain("whole").exit_code, 0);
  ASSERT_EQ(pretrain("cut", {"train.stop_after=8"}).exit_code, 0);
  const auto newest = folder_ / "cut" / "checkpoints" / "step_00000008" / "optimizer-1-of-1.safetensors";
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) - 1);
  const Finished resumed = pretrain("cut");
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, HasSubstr("step_00000008: optimizer-1-of-1.safetensors has another size"));
  EXPECT_THAT(resumed.err, HasSubstr("step_00000004 at step 4"));
  EXPECT_EQ(weights("cut", "9"), weights("whole", "9"));
}

TEST_F(Pretrain, TheResolvedConfigGivesTheSameBytesAgain) {
  ASSERT_EQ(pretrain("first").exit_code, 0);
  const Finished again =
      run_strata({"pretrain", folder_ / "first" / "config.yaml", "run.dir=" + (folder_ / "again").string()});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(weights("again", "9"), weights("first", "9"));
}

TEST_F(Pretrain, WritesTheUntrainedStartAndWhatUsersRead) {
  ASSERT_EQ(pretrain("start", {"train.stop_after=0"}).exit_code, 0);
  const auto start = folder_ / "start" / "checkpoints" / "step_00000000";
  const Finished init = run_strata({"init", config_, folder_ / "init"});
  ASSERT_EQ(init.exit_code, 0) << init.err;
  EXPECT_EQ(read_file(start / "model.safetensors"), read_file(folder_ / "init" / "model.safetensors"));

  const Finished run = pretrain("run");
  EXPECT_THAT(run.out, HasSubstr("parameters"));
  EXPECT_THAT(run.out, HasSubstr("step 9/9"));
  for (const json& line : lines("run", "metrics.jsonl")) EXPECT_GT(line.at("loss"), 0.0);
  const json layer = lines("run", "layers.jsonl").at(4);
  for (const char* key :
       {"activation_variance", "gradient_norm", "weight_norm", "gate", "gate_factor", "gate_gradient"}) {
    EXPECT_EQ(layer.at(key).size(), 2U) << key;
  }
  const std::vector<json> evaluations = lines("run", "eval.jsonl");
  ASSERT_EQ(evaluations.size(), 2U);  // at step 5 and at the end
  EXPECT_EQ(evaluations[1].at("step"), 9);
  EXPECT_LT(evaluations[1].at("ppl_paper"), evaluations[1].at("ppl"));
  EXPECT_FALSE(std::filesystem::is_empty(folder_ / "run" / "tb"));
  const Finished text =
      run_strata({"generate", folder_ / "run" / "checkpoints" / "step_00000009", "--prompt", "a", "--tokens", "5"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
}

// Gradients are sums over the tokens of the global batch, however it is cut.
TEST_F(Pretrain, MicroBatchesChangeOnlyTheRounding) {
  ASSERT_EQ(pretrain("four").exit_code, 0);
  ASSERT_EQ(pretrain("twelve", {"train.micro_batch=12"}).exit_code, 0);
  const auto four = lines("four", "metrics.jsonl"), twelve = lines("twelve", "metrics.jsonl");
  for (size_t i = 0; i < four.size(); ++i) {
    EXPECT_NEAR(four[i].at("loss").get<double>(), twelve[i].at("loss").get<double>(), 2e-5);
  }
}

// Within a budget that holds one shard, stopped and resumed, and yet the very rows of local files.
TEST_F(Pretrain, StreamsFromAServer) {
  std::filesystem::copy_file(data::test::small_model(), folder_ / "served.model");
  const BadServer server(folder_.path());
  std::vector<std::string> remote{
      "data.tokenizer=" + server.url("good", "served.model"),
      "data.train=[" + server.url("good", "a.jsonl") + ", " + server.url("good", "b.json.gz") + "]",
      "data.cache=" + (folder_ / "remote cache").string(), "data.disk_budget_gb=1e-9", "data.shuffle_scope=shard"};
  ASSERT_EQ(pretrain("local", {"data.shuffle_scope=shard"}).exit_code, 0);
  remote.emplace_back("train.stop_after=5");
  ASSERT_EQ(pretrain("remote", remote).exit_code, 0);
  remote.pop_back();
  const Finished resumed = pretrain("remote", remote);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("evicted "));
  EXPECT_EQ(weights("remote", "9"), weights("local", "9"));
  EXPECT_EQ(run_strata({"generate", folder_ / "remote" / "checkpoints" / "step_00000009", "--prompt", "a"}).exit_code,
            0);
  remote.back() = "data.shuffle_scope=global";
  expect_refused(remote, kWrongUsage, {"data.disk_budget_gb=1e-09 is too small", "data.shuffle_scope: shard"});
}

TEST_F(Pretrain, RefusesWhatCannotWork) {
  const std::string missing = (folder_ / "missing").string();
  write_file(folder_ / "broken.jsonl", "{\"text\": \"fine\"}\n{\"text\": \"cut\n");
  write_file(folder_ / "no_text.jsonl", "{\"url\": \"x\"}\n");
  write_file(folder_ / "latin.jsonl", "{\"text\": \"caf\xe9\"}\n");
  const auto train = [&](const std::string& name) { return "data.train=[" + (folder_ / name).string() + "]"; };
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

TEST_F(Pretrain, RefusesARunFolderOfAnotherRun) {
  ASSERT_EQ(pretrain("run", {"train.stop_after=4"}).exit_code, 0);
  const Finished other = pretrain("run", {"optimizer.lr=0.5"});
  EXPECT_EQ(other.exit_code, kFailed);
  EXPECT_THAT(other.err, HasSubstr("optimizer.lr was 0.001, is 0.5"));
  EXPECT_EQ(lines("run", "metrics.jsonl").size(), 4U);
  EXPECT_EQ(pretrain("run", {"checkpoint.every=2", "evaluate.every=3"}).exit_code, 0);
}

// A rate that throws the weights out of range: the run stops before the bad update and keeps its last checkpoint.
TEST_F(Pretrain, StopsOrSkipsWhatIsNotFinite) {
  const std::vector<std::string> explosion{"optimizer.lr=1e38", "checkpoint.every=1", "schedule.warmup_steps=0"};
  const Finished stopped = pretrain("stopped", explosion);
  EXPECT_EQ(stopped.exit_code, kFailed);
  EXPECT_THAT(stopped.err, HasSubstr("nothing was changed"));
  auto skipping = explosion;
  skipping.emplace_back("train.on_nonfinite=skip");
  EXPECT_EQ(pretrain("skipped", skipping).exit_code, 0);
  EXPECT_TRUE(lines("skipped", "metrics.jsonl").back().at("skipped"));
}

}  // namespace
}  // namespace strata::test
