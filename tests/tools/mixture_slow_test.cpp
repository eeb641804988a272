// Mixtures of sources and rows of all kinds from the command line: what is said of them, and that neither the number of
// workers nor a resume, on another number of them, changes a bit.
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "support/data_fixtures.h"
#include "support/launching.h"
#include "support/sft_run.h"
#include "support/small_run.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class MixedRun : public testing::Test {
 protected:
  MixedRun() { data::test::made_up_source(run_ / "", "small.jsonl", 90, 95); }

  std::string path(const std::string& name) const { return (run_ / name).string(); }
  std::string mixture(const std::string& first = "2", const std::string& second = "1") const {
    return str("data.train=[{files: ", path("a.jsonl"), ", weight: ", first, "}, {files: [", path("b.json.gz"), ", ",
               path("valid.jsonl"), "], weight: ", second, "}]");
  }

  Finished train(const std::string& name, Words overrides, int workers = 1) const {
    overrides.insert(overrides.begin(), {"train.global_batch=16", "train.micro_batch=2", "run.threads=1"});
    Words words = run_.command(name, overrides);
    if (workers > 1) {
      Words launched = strata_command({"launch", "--no-python", "--nproc-per-node", std::to_string(workers)});
      launched.insert(launched.end(), words.begin(), words.end());
      words = launched;
    }
    return run_program(words);
  }

  void expect_same(const std::string& run, const std::string& whole) const {
    EXPECT_EQ(run_.weights(run, 9), run_.weights(whole, 9)) << run;
    for (const char* file : {"metrics.jsonl", "eval.jsonl"}) {
      EXPECT_EQ(run_.lines(run, file), run_.lines(whole, file)) << run << "/" << file;
    }
  }

  void expect_refused(const std::string& override_text, int exit_code, const std::string& message) const {
    const Finished finished = train("refused", {override_text});
    EXPECT_EQ(finished.exit_code, exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(message));
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
  }

  SmallRun run_;
};

TEST_F(MixedRun, HasTheSameBitsOnAnyNumberOfWorkersAndThroughResumes) {
  const std::vector<Words> modes{{mixture(), "data.rows=packed"},
                                 {mixture("0.55", "0.45"), "data.rows=split"},
                                 {mixture("1", "9"), "data.shuffle_scope=shard"},
                                 {"data.rows=packed"}};
  for (size_t i = 0; i < modes.size(); ++i) {
    SCOPED_TRACE(testing::PrintToString(modes[i]));
    const std::string whole = str("whole", i), moved = str("moved", i);
    const Finished alone = train(whole, modes[i]);
    ASSERT_EQ(alone.exit_code, 0) << alone.err;
    for (const int workers : {2, 4}) {
      const std::string name = str("on", workers, "_", i);
      const Finished shared = train(name, modes[i], workers);
      ASSERT_EQ(shared.exit_code, 0) << shared.err;
      expect_same(name, whole);
    }
    for (const auto& [workers, until] : {std::pair(2, 2), std::pair(1, 5), std::pair(4, 6), std::pair(2, -1)}) {
      Words overrides = modes[i];
      overrides.push_back(str("train.stop_after=", until));
      const Finished part = train(moved, overrides, workers);
      ASSERT_EQ(part.exit_code, 0) << part.err;
    }
    expect_same(moved, whole);
  }
}

TEST_F(MixedRun, SaysWhatItReads) {
  const Finished finished = train("said", {mixture("3", "1"), "train.steps=10"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const std::string first = str("data.train[0] (", path("a.jsonl"), "): 75 % of the rows; 40 documents, ");
  EXPECT_THAT(finished.out, HasSubstr("  data: a mixture of 2 sources, 90 documents, "));
  EXPECT_THAT(finished.out, HasSubstr(first));
  EXPECT_THAT(finished.out, ContainsRegex("rows: 40 document, [0-9.]+ % of the tokens cut off; 3 epochs\n"));
  EXPECT_THAT(finished.out, ContainsRegex("2 shards; rows: 50 document, [0-9.]+ % of the tokens cut off; 0.8 epochs"));
  const std::string read = str("read of data.train[0] (", path("a.jsonl"), "): 120 rows, 3 epochs");
  EXPECT_THAT(finished.out.substr(finished.out.find("done: ")), AllOf(HasSubstr(first), HasSubstr(read)));
  EXPECT_THAT(read_file(run_ / "said/data.txt"), AllOf(HasSubstr(first), HasSubstr(read)));
  const auto record = nlohmann::json::parse(read_file(run_ / "said/run.json"));
  EXPECT_THAT(record.at("about_data").dump(), HasSubstr("120 rows, 3 epochs"));
  EXPECT_THAT(read_file(run_ / "said/config.yaml"),
              HasSubstr(str("  train: [{files: [", path("a.jsonl"), "], weight: 3}, {files: [")));
  EXPECT_THAT(run_strata({"inspect", path("said")}).out, HasSubstr(first));
  EXPECT_THAT(run_strata({"inspect", path("said/config.yaml")}).out, HasSubstr("weight: 3}"));
  EXPECT_EQ(run_strata({"plan", path("said/config.yaml")}).exit_code, 0);
  EXPECT_THAT(run_strata({"inspect", run_.checkpoint("said", 10)}).out,
              HasSubstr("next: data.train[0] epoch 2, row 40; data.train[1] epoch 0, row 40; seed 42"));

  const std::string often = str("data.train=[{files: ", path("a.jsonl"), "}, {files: ", path("small.jsonl"), "}]");
  EXPECT_THAT(train("often", {often}).err,
              HasSubstr(str("warning: data.train[1] (", path("small.jsonl"), ") is read 14.4 times: ")));
  const std::string twice = str("data.train=[{files: ", path("*.jsonl"), "}, {files: ", path("small.jsonl"), "}]");
  EXPECT_THAT(train("twice", {twice}).err, HasSubstr("small.jsonl is in data.train[0] and in data.train[1]"));
}

TEST_F(MixedRun, WeightsAreCheckedAtAResume) {
  ASSERT_EQ(train("run", {mixture("2", "1"), "train.stop_after=4"}).exit_code, 0);
  const Finished refused = train("run", {mixture("1", "1")});
  EXPECT_EQ(refused.exit_code, kFailed);
  EXPECT_THAT(refused.err, ContainsRegex("holds another run: data.train was data [0-9a-f]{16}, is data [0-9a-f]{16}"));
  const Finished plain = train("run", {str("data.train=", path("a.jsonl"))});
  EXPECT_EQ(plain.exit_code, kFailed);
  const Finished scaled = train("run", {mixture("0.2", "0.1"), "train.stop_after=6"});
  EXPECT_EQ(scaled.exit_code, 0) << scaled.err;
  const Finished allowed = train("run", {mixture("1", "1"), "train.allow_change=[data.train]"});
  EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
  EXPECT_THAT(allowed.out, HasSubstr("): 88 rows, "));  // 64 of six steps, 24 of three
}

TEST_F(MixedRun, NamesWhatIsWrong) {
  write_file(run_ / "empty.jsonl", "");
  const auto with = [&](const std::string& entry) {
    return str("data.train=[{files: ", path("a.jsonl"), "}, ", entry, "]");
  };
  expect_refused(with("{files: " + path("none-*.jsonl") + "}"), kWrongUsage,
                 str("data.train[1].files: no file matches \"", path("none-*.jsonl"), "\""));
  expect_refused(with("{files: " + path("c.yaml") + "}"), kWrongUsage, "data.train[1].files: ");
  expect_refused(with("{files: " + path("a.jsonl") + ", weight: 0}"), kWrongUsage, "data.train[1].weight: must be");
  expect_refused(with("{file: " + path("a.jsonl") + "}"), kWrongUsage, "data.train[1].file: unknown key");
  expect_refused(with(path("b.json.gz")), kWrongUsage, "data.train[1]: expected a source");
  const Finished empty = train("empty", {with("{files: " + path("empty.jsonl") + "}")});
  EXPECT_EQ(empty.exit_code, kFailed);
  EXPECT_THAT(empty.err, HasSubstr("error: data.train[1]: no row has a token to predict"));
  const Finished streamed =
      train("streamed", {with("{files: " + path("empty.jsonl") + "}"), "data.shuffle_scope=shard"});
  EXPECT_EQ(streamed.exit_code, kFailed);
  EXPECT_THAT(streamed.err, HasSubstr("data.train[1]: the files make no row"));
  const Finished budget = train("budget", {mixture(), "data.disk_budget_gb=1"});
  EXPECT_EQ(budget.exit_code, kWrongUsage);
  EXPECT_THAT(budget.err, HasSubstr("data.disk_budget_gb=1: data.shuffle_scope=global keeps every shard of a mixture"));
}

TEST_F(MixedRun, IsAnArmOfASweep) {
  const auto value = [&](const char* weight) {
    return str("[{files: ", path("a.jsonl"), ", weight: ", weight, "}, {files: [", path("b.json.gz"), "]}]");
  };
  write_file(run_ / "sweep.yaml", str("base: c.yaml\noutput: ", path("sweep"), "\nseeds: 1\nnames: [even, more]\n",
                                      "vary: {data.train: [", value("1"), ", ", value("4"), "]}\n"));
  const Finished swept = run_strata({"sweep", path("sweep.yaml")});
  ASSERT_EQ(swept.exit_code, 0) << swept.err;
  EXPECT_THAT(read_file(run_ / "sweep/runs/more-s1/data.txt"), HasSubstr(": 80 % of the rows"));
  EXPECT_THAT(read_file(run_ / "sweep/runs/even-s1/data.txt"), HasSubstr(": 50 % of the rows"));
  const auto identity = [&](const char* run) {
    return nlohmann::json::parse(read_file(run_ / "sweep/runs" / run / "run.json")).at("identity");
  };
  EXPECT_NE(identity("even-s1"), identity("more-s1"));
}

// A config's data.train says nothing to fine-tuning.
TEST_F(MixedRun, IsNoMatterOfFineTuning) {
  const SftRun sft;
  const Finished finished = run_program(sft.command("r", {"data.train=[{files: nowhere.jsonl, weight: 2}]"}));
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
}

// One shard each, of few tokens: together they are full rows.
TEST_F(MixedRun, ManySmallFilesMakeFullRows) {
  fs::create_directory(run_ / "many");
  for (int i = 0; i < 40; ++i) data::test::made_up_source(run_ / "many", str(i, ".jsonl"), 3 + 60 * i, 4 + 60 * i);
  const Finished packed = train("packed", {"data.train=" + path("many"), "data.rows=packed"});
  ASSERT_EQ(packed.exit_code, 0) << packed.err;
  EXPECT_THAT(packed.out, ContainsRegex("data: 40 documents, [0-9]+ tokens, 40 shards\n"));
  std::string text = read_file(run_ / "packed/data.txt");
  std::erase(text, ',');
  const auto number_after = [&](const std::string& what) {
    return std::stoll(text.substr(text.find(what) + what.size()));
  };
  EXPECT_EQ(number_after("rows: "), (number_after("data: 40 documents ") + 31) / 32);
  const Finished inside =
      train("inside", {"data.train=" + path("many"), "data.rows=packed", "data.shuffle_scope=shard"});
  ASSERT_EQ(inside.exit_code, 0) << inside.err;
  EXPECT_THAT(inside.err, ContainsRegex("warning: data.train: [0-9]+.jsonl holds [0-9]+ tokens, fewer than a row"));
  EXPECT_THAT(inside.out, AllOf(HasSubstr("data: 40 shards, counted as they are read (data.shuffle_scope=shard)"),
                                HasSubstr("read: 3 whole epochs and 24 rows of the next")));
  EXPECT_THAT(packed.err, Not(HasSubstr("fewer than a row")));
}

}  // namespace
}  // namespace strata::test
