// The exit codes of docs/running.md, of every command that `strata help` lists.
#include <csignal>
#include <map>
#include <set>

#include "strata/base/text.h"
#include "support/data_fixtures.h"
#include "support/launching.h"
#include "support/small_run.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;

// Command lines by how they end; none: there is no such line.
struct Ends {
  Words well, absent, fails;
};

class ExitCodes : public testing::Test {
 protected:
  ExitCodes() {
    write_file(run_ / "tiny.yaml", "model: {vocab: 200, hidden: 32, intermediate: 48, layers: 1, heads: 2}\n");
    EXPECT_EQ(run_strata({"init", at("tiny.yaml"), at("model")}).exit_code, 0);
    fs::copy(run_ / "model", run_ / "damaged");
    write_file(run_ / "damaged/model.safetensors", "no tensors");
    write_file(run_ / "ids.json", "[[1, 2, 3]]");
    write_file(run_ / "damaged.json", "[[1, 2");
    write_file(run_ / "damaged.jsonl", "{\"text\": 1}\n");
    fs::create_directory(run_ / "damaged_sweep");
    fs::create_directories(run_ / "quick/data/demo");
    write_file(run_ / "quick/data/demo/demo-validation.00000-of-00001.json.gz", "");
    write_file(run_ / "damaged_sweep/study.json", "{");
    const std::string sweep = "base: c.yaml\nvary: {norm.scheme: [pre]}\nseeds: 1\nset: [train.loss_chunk=64";
    write_file(run_ / "sweep.yaml", sweep + "]\noutput: " + at("sweeps/one") + "\n");
    write_file(run_ / "failing.yaml",
               sweep + ", data.train=" + at("damaged.jsonl") + "]\noutput: " + at("sweeps/two") + "\n");
  }

  std::string at(const std::string& name) const { return run_ / name; }

  std::map<std::string, Ends> commands() const {
    const std::string tokenizer = data::test::small_model();
    const std::string dir = "run.dir=" + at("run"), absent = at("absent");
    const Words judge{"--tokenizer", tokenizer, "--perplexity", at("valid.jsonl")};
    const Words read{"--tokenizer", tokenizer, "--text", at("valid.jsonl")};
    const auto with = [](Words words, const Words& more) {
      words.insert(words.end(), more.begin(), more.end());
      return words;
    };
    return {
        {"pretrain", {{run_.config(), dir}, {absent}, {run_.config(), dir, "data.train=" + at("damaged.jsonl")}}},
        {"sft", {{}, {run_.config(), "sft.model=" + absent}, {}}},
        {"quickstart",
         {{"--corpus-only", "--folder", at("quick")}, {"--folder"}, {"--corpus-only", "--folder", at("ids.json")}}},
        {"compare",
         {{run_.config(), "--schemes", "pre", "--seeds", "1", "--output", at("sweeps/three")},
          {absent, "--schemes", "pre"},
          {run_.config(), "data.train=" + at("damaged.jsonl"), "--schemes", "pre", "--output", at("sweeps/four")}}},
        {"sweep", {{at("sweep.yaml")}, {absent}, {at("failing.yaml")}}},
        {"report", {{at("run"), "--output", at("report.html")}, {absent}, {at("damaged_sweep")}}},
        {"launch",
         {{"--nproc-per-node", "1", "--", "doctor"}, {}, {"--nproc-per-node", "1", "--no-python", "--", "false"}}},
        {"eval", {with({at("model")}, judge), with({absent}, judge), with({at("damaged")}, judge)}},
        {"analyze", {with({at("model")}, read), with({absent}, read), with({at("damaged")}, read)}},
        {"generate",
         {{at("model"), "--tokenizer", tokenizer, "--prompt", "a", "--tokens", "1"},
          {absent, "--prompt", "a"},
          {at("damaged"), "--tokenizer", tokenizer, "--prompt", "a"}}},
        {"train-tokenizer",
         {{"--input", at("a.jsonl"), "--vocab-size", "100", "--output", at("new.model")},
          {"--input", absent, "--output", at("no.model")},
          {"--input", at("damaged.jsonl"), "--output", at("no.model")}}},
        {"tokenize",
         {{at("a.jsonl"), "--tokenizer", tokenizer, "--cache", at("cache")},
          {at("a.jsonl"), "--tokenizer", absent, "--cache", at("cache")},
          {at("damaged.jsonl"), "--tokenizer", tokenizer, "--cache", at("cache")}}},
        {"encode", {{"--tokenizer", tokenizer}, {"--tokenizer", absent}, {"--tokenizer", at("damaged.json")}}},
        {"decode", {{"--tokenizer", tokenizer}, {"--tokenizer", absent}, {"--tokenizer", at("damaged.json")}}},
        {"inspect", {{run_.config()}, {absent}, {at("damaged")}}},
        {"plan", {{run_.config()}, {absent}, {}}},
        {"doctor", {}},
        {"schemes", {{}, {"surplus"}, {}}},
        {"tasks", {{}, {"surplus"}, {}}},
        {"bench", {{"gemm", "--help"}, {"step", absent}, {}}},
        {"trace",
         {{at("model"), "--ids", at("ids.json"), "--out", at("trace.safetensors")},
          {at("model"), "--ids", absent, "--out", at("trace.safetensors")},
          {at("model"), "--ids", at("damaged.json"), "--out", at("trace.safetensors")}}},
        {"init", {{at("tiny.yaml"), at("fresh")}, {absent, at("fresh")}, {}}},
        {"export", {{at("model"), at("hf")}, {absent, at("hf_2")}, {at("damaged"), at("hf_2")}}},
        {"import", {{at("hf"), at("back")}, {absent, at("back_2")}, {at("damaged"), at("back_2")}}},
        {"completion", {{"bash"}, {"fish"}, {}}},
        {"help", {{"pretrain"}, {"absent"}, {}}},
    };
  }

  SmallRun run_;
};

Finished run_command(const std::string& name, const Words& arguments) {
  Words words{name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run_strata(words);
}

std::set<std::string> listed_commands() {
  std::set<std::string> names;
  for (const std::string& line : lines_of(run_strata({"help"}).out)) {
    if (line.starts_with("  ") && line[2] != ' ' && line[2] != '-') names.insert(line.substr(2, line.find(' ', 2) - 2));
  }
  return names;
}

TEST_F(ExitCodes, AreTheSameForTheSameMistake) {
  const auto all = commands();
  std::set<std::string> names;
  for (const auto& [name, ends] : all) names.insert(name);
  ASSERT_EQ(names, listed_commands());
  for (const char* name : {"init", "export", "import"}) {  // these need what those before them made
    EXPECT_EQ(run_command(name, all.at(name).well).exit_code, 0) << name;
  }
  for (const auto& [name, ends] : all) {
    SCOPED_TRACE(name);
    EXPECT_EQ(run_command(name, {"--no-such-option"}).exit_code, kWrongUsage);
    const bool is_done = name == "init" || name == "export" || name == "import";
    if (!ends.well.empty() && !is_done) {
      EXPECT_EQ(run_command(name, ends.well).exit_code, 0);
    }
    for (const auto& [arguments, code] : {std::pair(ends.absent, kWrongUsage), std::pair(ends.fails, kFailed)}) {
      if (arguments.empty()) continue;
      const Finished finished = run_command(name, arguments);
      EXPECT_EQ(finished.exit_code, code) << finished.err;
      EXPECT_THAT(finished.err, ContainsRegex("(^|\n)error: [^\n]+\n$"));
    }
  }
}

TEST_F(ExitCodes, OfResultsThatNobodyGetsAreFailures) {
  const Finished finished =
      run_program({"bash", "-c", "\"$0\" inspect \"$1\" > /dev/full", strata_command({})[0], run_.config()});
  EXPECT_EQ(finished.exit_code, kFailed);
  EXPECT_THAT(finished.err, HasSubstr("error: cannot write to stdout"));
}

TEST_F(ExitCodes, OfNumbersThatAreNoneAreWrongUsage) {
  for (const Words& words :
       {Words{"generate", at("model"), "--prompt", "a", "--temperature", "nan"},
        Words{"generate", at("model"), "--prompt", "a", "--top-p", "nan"}, Words{"eval", at("model"), "--limit", "0"},
        Words{"plan", run_.config(), "--tflops", "nan"}, Words{"plan", run_.config(), "--memory", "-3GB"}}) {
    const Finished finished = run_strata(words);
    EXPECT_EQ(finished.exit_code, kWrongUsage);
    EXPECT_THAT(finished.err, ContainsRegex("must be [^\n]+, got [^\n]+; "));
    EXPECT_LT(finished.err.size(), 150U);
  }
}

TEST_F(ExitCodes, OfASignalSayWhatStays) {
  std::string text;
  for (int copy = 0; copy < 20000; ++copy) text += read_file(run_ / "a.jsonl");
  write_file(run_ / "long.jsonl", text);
  for (const int signal : {SIGINT, SIGTERM}) {
    Program program(strata_command({"tokenize", at("long.jsonl"), "--tokenizer", data::test::small_model(), "--cache",
                                    at("cache"), "--threads", "1"}));
    ASSERT_TRUE(wait_until([&] { return program.out().find("shard 1 of 1") != std::string::npos; }));
    program.send(signal);
    const Finished finished = program.wait();
    EXPECT_EQ(finished.exit_code, 128 + signal);
    EXPECT_THAT(finished.err, HasSubstr("stopped: the shards that are made stay"));
  }
}

TEST(Help, FitsEightyColumns) {
  for (const Words& words : {Words{"help"}, Words{"--help"}, Words{"help", "compare"}, Words{"help", "launch"},
                             Words{"pretrain", "--help"}, Words{"bench", "step", "--help"}}) {
    const Finished finished = run_strata(words);
    EXPECT_THAT(finished.out, HasSubstr(words.size() > 1 ? "Usage: strata " : "pretrain"));
    for (const std::string& line : lines_of(finished.out)) EXPECT_LE(columns_of(line), 80U) << line;
  }
}

}  // namespace
}  // namespace strata::test
