// `strata pretrain` as users run it: on small made-up text, from the command line.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "strata/io/json.h"
#include "strata/io/tensor_files.h"
#include "support/bad_server.h"
#include "support/compress.h"
#include "support/data_fixtures.h"
#include "support/small_run.h"

namespace strata::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

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
  EXPECT_LT(evaluations[1].at("perplexity_as_in_paper_code"), evaluations[1].at("perplexity"));
  EXPECT_FALSE(std::filesystem::is_empty(run_ / "run" / "tb"));
  const Finished text =
      run_strata({"generate", run_ / "run" / "checkpoints" / "step_00000009", "--prompt", "a", "--tokens", "5"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
}

// What no group moves stays, to the bit.
TEST_F(Pretrain, MovesGroupsAtRatesOfTheirOwn) {
  const Finished finished =
      run_.pretrain("groups", {"optimizer.groups.lr_factor={matrices: 0, \"*.mlp.*\": 2, head: 0}", "run.seed=5"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  ASSERT_EQ(run_.pretrain("untouched", {"train.stop_after=0", "run.seed=5"}).exit_code, 0);
  const auto weights = [&](const std::string& run, int64_t step) {
    return io::TensorFiles(run_ / run / "checkpoints" / str("step_0000000", step) / "model.safetensors");
  };
  const io::TensorFiles before = weights("untouched", 0), after = weights("groups", 9);
  for (const std::string& name : before.names()) {
    const bool stays =
        name == "lm_head.weight" || (name.ends_with("_proj.weight") && name.find(".mlp.") == std::string::npos);
    EXPECT_EQ(before.tensor(name).equal(after.tensor(name)), stays) << name;
  }
}

TEST_F(Pretrain, NeedsNoValidationData) {
  const Finished finished = run_.pretrain("alone", {"data.validation=[]"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_TRUE(run_.lines("alone", "eval.jsonl").empty());
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

// Within a budget that holds one shard, stopped and resumed, and yet the very rows of local files.
TEST_F(Pretrain, StreamsFromAServer) {
  std::filesystem::copy_file(data::test::small_model(), run_ / "served.model");
  const BadServer server(run_ / "");
  std::vector<std::string> remote{
      "data.tokenizer=" + server.url("good", "served.model"),
      "data.train=[" + server.url("good", "a.jsonl") + ", " + server.url("good", "b.json.gz") + "]",
      "data.cache=" + (run_ / "remote cache").string(), "data.disk_budget_gb=1e-9", "data.shuffle_scope=shard"};
  ASSERT_EQ(run_.pretrain("local", {"data.shuffle_scope=shard"}).exit_code, 0);
  remote.emplace_back("train.stop_after=5");
  ASSERT_EQ(run_.pretrain("remote", remote).exit_code, 0);
  remote.pop_back();
  const Finished resumed = run_.pretrain("remote", remote);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("evicted "));
  EXPECT_EQ(run_.weights("remote", 9), run_.weights("local", 9));
  EXPECT_EQ(run_strata({"generate", run_ / "remote" / "checkpoints" / "step_00000009", "--prompt", "a"}).exit_code, 0);
  remote.back() = "data.shuffle_scope=global";
  expect_refused(remote, kWrongUsage, {"data.disk_budget_gb=1e-09 is too small", "data.shuffle_scope: shard"});
}

TEST_F(Pretrain, RefusesWhatCannotWork) {
  const std::string missing = (run_ / "missing").string();
  write_file(run_ / "broken.jsonl", "{\"text\": \"fine\"}\n{\"text\": \"cut\n");
  write_file(run_ / "no_text.jsonl", "{\"url\": \"x\"}\n");
  write_file(run_ / "latin.jsonl", "{\"text\": \"caf\xe9\"}\n");
  const auto train = [&](const std::string& name) { return "data.train=[" + (run_ / name).string() + "]"; };
  const std::string gz = gzip(read_file(run_ / "a.jsonl"));
  write_file(run_ / "cut.json.gz", gz.substr(0, gz.size() / 2));
  write_file(run_ / "bent.json.gz", gz.substr(0, 12) + '\xff' + gz.substr(13));
  write_file(run_ / "empty.jsonl", "");
  write_file(run_ / "list.jsonl", "[1]\n");
  write_file(run_ / "number.jsonl", "{\"text\": 1}\n");
  write_file(run_ / "table.orc", "");
  expect_refused({train("cut.json.gz")}, kFailed, {"cut.json.gz:", "truncated gzip"});
  expect_refused({train("bent.json.gz")}, kFailed, {"bent.json.gz:", "corrupt gzip"});
  expect_refused({train("empty.jsonl")}, kFailed, {"data.train: no row has a token to predict"});
  expect_refused({train("list.jsonl")}, kFailed, {"list.jsonl:1: not a JSON object"});
  expect_refused({train("number.jsonl")}, kFailed, {"number.jsonl:1: the field \"text\" is not a string"});
  expect_refused({train("table.orc")}, kWrongUsage, {"data.train", "table.orc is none of .json"});
  expect_refused({"data.tokenizer=" + (run_ / "a.jsonl").string()}, kFailed, {"a.jsonl: is no JSON: "});
  expect_refused({"data.sequence_length=1"}, kWrongUsage, {"data.sequence_length: must be at least 2, got 1"});
  expect_refused({"data.cache=/proc/cache"}, kFailed, {"/proc/cache"});
  expect_refused({"train.stop_after=-2"}, kWrongUsage, {"train.stop_after: must be at least -1, got -2"});
  expect_refused({"train.clip.global=-1"}, kWrongUsage, {"train.clip.global"});
  expect_refused({"train.spike={action: jump}"}, kWrongUsage, {"train.spike.action", "jump", "none, warn, skip, stop"});
  expect_refused({"train.spike.window=1"}, kWrongUsage, {"train.spike.window: must be between 2 and"});
  expect_refused({"checkpoint.keep=-1"}, kWrongUsage, {"checkpoint.keep: must be at least 0, got -1"});
  expect_refused({"optimizer.beta1=1.5"}, kWrongUsage,
                 {"optimizer.beta1: must be at least 0 and less than 1, got 1.5"});
  expect_refused({"optimizer.groups.lr_factor={embeding: 10}"}, kWrongUsage,
                 {"optimizer.groups.lr_factor.embeding", "neither a kind of parameter (embedding, head, matrices"});
  expect_refused({"optimizer.groups.beta1={head: 1}"}, kWrongUsage, {"optimizer.groups.beta1.head", "less than 1"});
  expect_refused({"train.resume=" + (run_ / "").string()}, kFailed, {"manifest.json: No such file"});
  expect_refused({"data.tokenizer=" + missing}, kWrongUsage, {"data.tokenizer: there is no file " + missing});
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

TEST_F(Pretrain, RefusesADamagedTokenShard) {
  ASSERT_EQ(run_.pretrain("first").exit_code, 0);
  for (const auto& entry : std::filesystem::directory_iterator(run_ / "cache")) {
    if (entry.path().extension() != ".tokens") continue;
    std::string bytes = read_file(entry.path());
    bytes[bytes.size() / 2] ^= 1;
    write_file(entry.path(), bytes);
  }
  expect_refused({}, kFailed, {".tokens: cut or damaged", "delete it and it is made again"});
}

TEST_F(Pretrain, RefusesARunFolderInUse) {
  Program first(run_.command("run", {"train.steps=1000000"}));
  while (first.is_running() && !std::filesystem::exists(run_ / "run/metrics.jsonl")) usleep(5'000);
  const Finished second = run_.pretrain("run");
  EXPECT_EQ(second.exit_code, kFailed);
  EXPECT_EQ(second.err, "error: run.dir: another process is writing to " + (run_ / "run").string() + "\n");
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
