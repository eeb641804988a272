// What a run says of its data and of itself, and what it refuses to keep.
#include <csignal>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "support/launching.h"
#include "support/small_run.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class HonestRun : public testing::Test {
 protected:
  std::string data(const std::string& name) const { return "data.train=" + (run_ / name).string(); }

  // The model of a checkpoint with a weight that is no number, as a folder.
  std::string spoiled_model() const {
    const fs::path folder = run_ / "spoiled";
    fs::copy(run_.checkpoint("whole", 9), folder);
    std::string bytes = read_file(folder / "model.safetensors");
    bytes.replace(bytes.size() - 4, 4, "\x00\x00\xc0\x7f", 4);  // NaN
    write_file(folder / "model.safetensors", bytes);
    fs::remove(folder / "manifest.json");  // has the checksum
    return folder;
  }

  SmallRun run_;
};

TEST_F(HonestRun, TellsWhatBecameOfTheData) {
  write_file(run_ / "bad.jsonl", read_file(run_ / "a.jsonl") + "{\"url\": 1}\n{\"text\": 2}\n");
  for (const char* run : {"made", "from_cache"}) {
    const Finished finished = run_.pretrain(run, {data("bad.jsonl"), "data.skip_bad=true"});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.out, HasSubstr("data: 40 documents (2 more skipped), "));
    EXPECT_THAT(finished.out, ContainsRegex("rows: 40 document, [0-9.]+ % of the tokens cut off; 2.7 epochs\n"));
    EXPECT_THAT(finished.out.substr(finished.out.find("done: ")), HasSubstr("40 documents (2 more skipped)"));
    for (const char* file : {"log.txt", "data.txt"}) {
      EXPECT_THAT(read_file(run_ / run / file), HasSubstr("40 documents (2 more skipped)"));
    }
    EXPECT_THAT(run_strata({"inspect", run_ / run}).out, HasSubstr("40 documents (2 more skipped)"));
  }
}

TEST_F(HonestRun, ReadsAllOfATextFile) {
  std::string text;
  for (int line = 0; line < 400; ++line) text += str("this is line ", line, " of a long text\n");
  write_file(run_ / "book.txt", text);
  const Finished finished = run_.pretrain("book", {data("book.txt")});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, ContainsRegex("rows: [1-9][0-9]+ packed, 0.0 % of the tokens cut off"));
  EXPECT_THAT(read_file(run_ / "book/config.yaml"), HasSubstr("rows: packed"));
  const Finished cut = run_.pretrain("cut", {data("book.txt"), "data.rows=document"});
  EXPECT_THAT(cut.err, ContainsRegex("warning: 99.[0-9] % of the tokens are never read: data.rows=document"));
  EXPECT_THAT(cut.out, HasSubstr("rows: 1 document, "));
}

TEST_F(HonestRun, ItsVocabularyIsThatOfTheTokenizer) {
  const Finished large = run_.pretrain("large", {"model.vocab=1000"});
  EXPECT_THAT(large.err, ContainsRegex("warning: model.vocab=1000, and data.tokenizer has [0-9]+ pieces"));
  const Finished finished = run_.pretrain("auto", {"model.vocab=auto"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, Not(HasSubstr("model.vocab")));
  EXPECT_THAT(read_file(run_ / "auto/config.yaml"), ContainsRegex("\n  vocab: (128|192|256)\n"));
  EXPECT_EQ(run_.pretrain("none", {"model.vocab=auto", "data.tokenizer=''"}).exit_code, kWrongUsage);

  const std::string other = run_ / "other.model";
  ASSERT_EQ(
      run_strata({"train-tokenizer", "--input", run_ / "a.jsonl", "--vocab-size", "100", "--output", other}).exit_code,
      0);
  const Finished text = run_strata({"generate", run_ / "auto", "--prompt", "a", "--tokens", "2", "--tokenizer", other});
  EXPECT_THAT(text.err, HasSubstr("warning: the model was trained with another tokenizer"));
}

// A row of one token has nothing to predict: it weighs nothing, and a set of such rows is no set.
TEST_F(HonestRun, RowsWithoutTargetsCountForNothing) {
  const std::string empty = "{\"text\": \"\"}\n";
  write_file(run_ / "mixed.jsonl", empty + read_file(run_ / "a.jsonl") + empty + empty);
  for (const char* average : {"token", "per_micro_batch"}) {
    const Finished finished =
        run_.pretrain(average, {data("mixed.jsonl"), "train.global_batch=1", "train.micro_batch=1", "train.steps=43",
                                str("train.loss_average=", average)});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    int64_t without = 0;
    for (const auto& line : run_.lines(average, "metrics.jsonl")) {
      without += line.at("targets") == 0 ? 1 : 0;
      EXPECT_EQ(line.at("loss").is_number(), line.at("targets") != 0) << line;
      EXPECT_TRUE(line.at("grad_norm").is_number()) << line;
    }
    EXPECT_EQ(without, 3);
  }
  write_file(run_ / "empty.jsonl", empty + empty);
  const Finished refused = run_.pretrain("refused", {"data.validation=" + (run_ / "empty.jsonl").string()});
  EXPECT_EQ(refused.exit_code, kFailed);
  EXPECT_THAT(refused.err, HasSubstr("data.validation: no row has a token to predict"));
  const Finished nothing = run_.pretrain("nothing", {data("empty.jsonl")});
  EXPECT_EQ(nothing.exit_code, kFailed);
  EXPECT_THAT(nothing.err, HasSubstr("error: data.train: no row has a token to predict"));
}

TEST_F(HonestRun, ReadsTheFieldThatItIsTold) {
  std::string text = read_file(run_ / "a.jsonl");
  for (size_t at = text.find("\"text\""); at != std::string::npos; at = text.find("\"text\"", at)) {
    text.replace(at, 6, "\"content\"");
  }
  write_file(run_ / "content.jsonl", text);
  const Words once{data("a.jsonl"), "train.stop_after=2"};
  ASSERT_EQ(run_.pretrain("text", once).exit_code, 0);
  const Finished finished = run_.pretrain("content", {data("content.jsonl"), "data.field=content", "data.validation=[]",
                                                      "evaluate.every=0", "train.stop_after=2"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(run_.weights("content", 2), run_.weights("text", 2));
}

TEST_F(HonestRun, NamesItsResultAndTheNextCommand) {
  const Finished finished = run_.pretrain("run");
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const std::string folder = run_ / "run";
  EXPECT_THAT(finished.out, ContainsRegex("validation loss [0-9.]+, the lowest [0-9.]+ at step 9\n"));
  EXPECT_THAT(finished.out, AllOf(HasSubstr("the model is " + folder + "/checkpoints/step_00000009\n"),
                                  HasSubstr("strata generate " + folder)));
  const std::string log = read_file(run_ / "run/log.txt");
  for (const char* part :
       {"strata pretrain ", " on ", "parameters ", "step 9/9", "validation loss", "memory: ", "done: step 9"}) {
    EXPECT_THAT(log, HasSubstr(part));
  }
  // A run folder stands for its newest checkpoint.
  for (const char* which : {"", "@best", "@4"}) {
    EXPECT_EQ(run_strata({"generate", folder + which, "--prompt", "a", "--tokens", "2"}).exit_code, 0) << which;
  }
  EXPECT_THAT(run_strata({"inspect", folder + "@8"}).out, HasSubstr("checkpoint of step 8"));
  EXPECT_THAT(run_strata({"generate", folder + "@5", "--prompt", "a"}).err, HasSubstr("@5: no such checkpoint"));
}

// Nobody serves there. After five seconds that is said, and Ctrl-C says what it leaves: the first worker of a host
// for all of them.
TEST_F(HonestRun, SaysWhatItWaitsFor) {
  const auto worker = [&](const char* local_rank, const char* local_world_size) {
    Words words{"env",
                "RANK=1",
                "WORLD_SIZE=2",
                "MASTER_ADDR=127.0.0.1",
                "MASTER_PORT=1",
                str("LOCAL_RANK=", local_rank),
                str("LOCAL_WORLD_SIZE=", local_world_size)};
    for (const std::string& word : run_.command("run", {"train.micro_batch=6"})) words.push_back(word);
    return std::make_unique<Program>(words);
  };
  const auto first = worker("0", "1"), second = worker("1", "2");
  for (Program* program : {first.get(), second.get()}) {
    EXPECT_TRUE(wait_until([&] {
      return program->err().find("waiting for the workers' store at 127.0.0.1:1, for 5 s now (Ctrl-C ends it)") !=
             std::string::npos;
    }));
    program->send(SIGINT);
    const Finished finished = program->wait();
    EXPECT_EQ(finished.exit_code, 128 + SIGINT);
    EXPECT_EQ(finished.err.find("stopped: before a step of this process was made; ") != std::string::npos,
              program == first.get())
        << finished.err;
  }
}

TEST_F(HonestRun, SaysNothingButWarningsWhereItIsAskedTo) {
  const Finished finished = run_.pretrain("quiet", {"--quiet"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.out, "");
  for (const std::string& line : lines_of(finished.err)) EXPECT_THAT(line, testing::StartsWith("warning: "));
  EXPECT_THAT(read_file(run_ / "quiet/log.txt"), HasSubstr("done: step 9"));
}

TEST_F(HonestRun, RunFoldersAreNamedAfterKeys) {
  ASSERT_EQ(run_.pretrain("{norm.scheme}-s{run.seed}", {"train.stop_after=1"}).exit_code, 0);
  EXPECT_TRUE(fs::exists(run_.checkpoint("sandwich+gpas-s42", 1)));
  const Finished refused = run_.pretrain("{norm.shceme}");
  EXPECT_EQ(refused.exit_code, kWrongUsage);
  EXPECT_THAT(refused.err, HasSubstr("{...} names no key"));
}

// 1e40 is no fp32 number, so that the next step's parameters are infinite: no checkpoint of it may take the place of a
// sound one.
TEST_F(HonestRun, KeepsNoModelThatIsNotFinite) {
  ASSERT_EQ(run_.pretrain("run", {"train.stop_after=4", "checkpoint.keep=1"}).exit_code, 0);
  const Finished wild =
      run_.pretrain("run", {"optimizer.lr=1e38", "optimizer.groups.lr_factor={embedding: 100}",
                            "train.allow_change=[optimizer]", "checkpoint.keep=1", "checkpoint.every=1"});
  EXPECT_EQ(wild.exit_code, kFailed);
  EXPECT_EQ(run_.steps("run"), std::vector<int64_t>{4});
  EXPECT_EQ(run_strata({"generate", run_ / "run", "--prompt", "a", "--tokens", "2"}).exit_code, 0);
}

TEST_F(HonestRun, AModelThatIsNotFiniteIsRefusedByName) {
  ASSERT_EQ(run_.pretrain("whole").exit_code, 0);
  const std::string spoiled = spoiled_model();
  const Finished judged = run_strata({"eval", spoiled, "--perplexity", run_ / "valid.jsonl"});
  EXPECT_EQ(judged.exit_code, kFailed);
  EXPECT_THAT(judged.err, ContainsRegex("error: .*model.safetensors: tensor .* holds NaN or infinity"));
}

TEST_F(HonestRun, ThatLearnedNothingIsAFailure) {
  const Finished finished = run_.pretrain(
      "idle", {"optimizer.lr=1e38", "train.on_nonfinite=skip", "train.steps=20", "schedule.warmup_steps=0"});
  EXPECT_EQ(finished.exit_code, kFailed);
  EXPECT_THAT(finished.err, Not(HasSubstr("done")));
}

// Runs begun anew in one folder: nothing of those before is lost, however often.
TEST_F(HonestRun, WhatIsSetAsideStays) {
  std::vector<std::string> weights;
  for (const char* seed : {"1", "2", "3"}) {
    ASSERT_EQ(run_.pretrain("run", {str("run.seed=", seed), "train.resume=none", "train.stop_after=2"}).exit_code, 0);
    weights.push_back(run_.weights("run", 2));
  }
  const fs::path checkpoints = run_ / "run/checkpoints";
  EXPECT_EQ(read_file(checkpoints / "aside_step_00000002/model.safetensors"), weights[0]);
  EXPECT_EQ(read_file(checkpoints / "aside_2_step_00000002/model.safetensors"), weights[1]);
  for (const char* file : {"aside_metrics.jsonl", "aside_2_metrics.jsonl", "metrics.jsonl"}) {
    EXPECT_EQ(run_.lines("run", file).size(), 2U) << file;
  }
}

// Its lines come again; those of another run are set aside.
TEST_F(HonestRun, KilledBeforeItsFirstCheckpointLeavesNoOldLogs) {
  const Words endless{"checkpoint.every=0", "train.steps=100000", "evaluate.every=0"};
  for (int attempt = 0; attempt < 3; ++attempt) {
    Program program(run_.command("run", endless));
    const fs::path log = run_ / "run/metrics.jsonl";
    const auto size_of_log = [&] { return fs::exists(log) ? fs::file_size(log) : 0; };
    const auto size = size_of_log();
    ASSERT_TRUE(wait_until([&] { return program.out().find("step") != std::string::npos && size_of_log() != size; }));
    program.send(SIGKILL);
    program.wait();
  }
  EXPECT_FALSE(fs::exists(run_ / "run/aside_metrics.jsonl"));
  ASSERT_EQ(run_.pretrain("run", {"run.seed=9", "train.stop_after=2"}).exit_code, 0);
  EXPECT_TRUE(fs::exists(run_ / "run/aside_metrics.jsonl"));
}

// A step takes as long as it takes, whatever evaluations and checkpoints take beside it.
TEST_F(HonestRun, BooksEvaluationsApart) {
  const std::string text = run_ / "a.jsonl";
  std::string many = text;
  for (int i = 0; i < 20; ++i) many += "," + text;  // an evaluation reads far more than a step
  const Finished finished = run_.pretrain(
      "run", {"data.validation=[" + many + "]", "evaluate.every=1", "evaluate.tokens=1000000", "checkpoint.every=0"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  double steps = 0.0, evaluations = 0.0;
  for (const std::string& line : lines_of(read_file(run_ / "run/metrics.jsonl"))) {
    steps += nlohmann::json::parse(line).at("seconds").get<double>();
  }
  for (const std::string& line : lines_of(read_file(run_ / "run/eval.jsonl"))) {
    evaluations += nlohmann::json::parse(line).at("seconds").get<double>();
  }
  EXPECT_GT(steps, 0.0);
  EXPECT_GT(evaluations, steps);
}

TEST_F(HonestRun, AClosedTerminalStopsItAsSigtermDoes) {
  Program program(run_.command("run", {"train.steps=100000", "checkpoint.every=0", "evaluate.every=0"}));
  ASSERT_TRUE(wait_until([&] { return program.out().find("step ") != std::string::npos; }));
  program.send(SIGHUP);
  const Finished finished = program.wait();
  EXPECT_EQ(finished.exit_code, 128 + SIGHUP);
  EXPECT_THAT(finished.err, HasSubstr("stopping after this step, with a checkpoint"));
  EXPECT_EQ(run_.steps("run").size(), 1U);
}

// Where data lie and what they are called decides nothing, what is in them everything.
TEST_F(HonestRun, KnowsItsDataByContent) {
  const auto train = [&](const std::string& first) {
    return str("data.train=[", (run_ / first).string(), ",", (run_ / "b.json.gz").string(), "]");
  };
  ASSERT_EQ(run_.pretrain("run", {train("a.jsonl"), "train.stop_after=2"}).exit_code, 0);
  fs::copy_file(run_ / "a.jsonl", run_ / "renamed.jsonl");
  const Finished renamed = run_.pretrain("run", {train("renamed.jsonl"), "train.stop_after=4"});
  EXPECT_EQ(renamed.exit_code, 0) << renamed.err;
  std::string other = read_file(run_ / "a.jsonl");
  other[std::string_view("{\"text\":\"").size()] = 'z';
  write_file(run_ / "renamed.jsonl", other);
  const Finished changed = run_.pretrain("run", {train("renamed.jsonl")});
  EXPECT_EQ(changed.exit_code, kFailed);
  EXPECT_THAT(changed.err, ContainsRegex("holds another run: data.train was data [0-9a-f]{16}, is data [0-9a-f]{16}"));
}

// A file of results is never lost to another evaluation.
TEST_F(HonestRun, ResultsOfAnotherKindAreNotWrittenOver) {
  ASSERT_EQ(run_.pretrain("whole").exit_code, 0);
  const auto judge = [&](const std::string& output) {
    return run_strata({"eval", run_ / "whole", "--perplexity", run_ / "valid.jsonl", "--output", output});
  };
  write_file(run_ / "notes.json", "{\"mine\": 1}");
  for (const std::string& output :
       {(run_ / "notes.json").string(), (run_ / "whole").string(), (run_ / "no/x.json").string()}) {
    const Finished refused = judge(output);
    EXPECT_EQ(refused.exit_code, kWrongUsage);
    EXPECT_THAT(refused.err, HasSubstr("--output: " + output));
    EXPECT_EQ(refused.out, "");
  }
  EXPECT_EQ(read_file(run_ / "notes.json"), "{\"mine\": 1}");
  EXPECT_EQ(judge(run_ / "new.json").exit_code, 0);
  EXPECT_EQ(judge(run_ / "new.json").exit_code, 0);
  EXPECT_THAT(
      run_strata({"eval", run_ / "whole@4", "--perplexity", run_ / "valid.jsonl", "--output", run_ / "new.json"}).err,
      HasSubstr("holds results of another model"));
}

TEST_F(HonestRun, LooksNoFurtherThanItWasTrained) {
  ASSERT_EQ(run_.pretrain("whole").exit_code, 0);
  const auto judge = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"eval", run_ / "whole", "--perplexity", run_ / "valid.jsonl"};
    words.insert(words.end(), more.begin(), more.end());
    return run_strata(words);
  };
  EXPECT_THAT(judge({}).out, HasSubstr("windows of up to 32 tokens"));
  EXPECT_THAT(judge({"--max-length", "64"}).err, HasSubstr("trained on rows of up to 32 tokens"));
}

}  // namespace
}  // namespace strata::test
