// `strata eval` on made-up questions and texts: the same bytes however it is run, killed, resumed; and what users get
// wrong.
#include <nlohmann/json.hpp>
#include <random>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/io/json.h"
#include "support/data_fixtures.h"
#include "support/program.h"
#include "support/small_run.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr int64_t kItems = 60;

// Questions of two tasks, one of which has examples in a file of its own.
void write_questions(const fs::path& folder) {
  std::string piqa, arc, pool;
  for (int item = 0; item < kItems; ++item) {
    const auto text = [&](int part, int words) { return data::test::made_up_text(10 * item + part, words); };
    piqa += json{{"goal", text(0, 12)}, {"sol1", text(1, 9)}, {"sol2", text(2, 5)}, {"label", item % 2}}.dump() + "\n";
    const json question{{"id", item},
                        {"query", "Question: " + text(3, 8) + "\nAnswer:"},
                        {"choices", {text(4, 2), text(5, 1), text(6, 3)}},
                        {"gold", item % 3}};
    (item < 20 ? pool : arc) += question.dump() + "\n";
  }
  write_file(folder / "piqa.jsonl", piqa);
  write_file(folder / "arc_easy.jsonl", arc);
  write_file(folder / "arc_easy.fewshot.jsonl", pool);
}

class Eval : public testing::Test {
 protected:
  Eval() {
    write_file(folder_ / "tiny.yaml",
               "model: {vocab: 200, hidden: 32, intermediate: 48, layers: 3, heads: 2}\n"
               "norm: {scheme: pre+gpas}\n");
    EXPECT_EQ(run_strata({"init", folder_ / "tiny.yaml", model()}).exit_code, 0);
    write_questions(folder_ / "data");
  }

  std::string model() const { return folder_ / "model"; }
  fs::path results(const std::string& name) const { return folder_ / (name + ".json"); }

  Words arguments(const std::string& name, const Words& more = {}) const {
    Words words{"eval", model(), "--data", folder_ / "data", "--tasks", "piqa,arc_easy", "--shots", "2"};
    words.insert(words.end(), {"--tokenizer", data::test::small_model(), "--output", results(name)});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // On a text file of the folder.
  Words on_text(const std::string& name, const std::string& file, const Words& more = {}) const {
    Words words{"eval", model(), "--perplexity", folder_ / file};
    words.insert(words.end(), {"--tokenizer", data::test::small_model(), "--output", results(name)});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  std::string bytes_after(const Words& words, const std::string& name) const {
    const Finished finished = run_strata(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return read_file(results(name));
  }

  std::string bytes_of(const std::string& name, const Words& more = {}) const {
    return bytes_after(arguments(name, more), name);
  }

  std::string bytes_with_workers(const std::string& count, const Words& words, const std::string& name) const {
    Words launch{"launch", "--nproc-per-node", count, "--"};
    launch.insert(launch.end(), words.begin(), words.end());
    return bytes_after(launch, name);
  }

  void refuse(const Words& words, int exit_code, const std::string& fragment) const {
    const Finished finished = run_strata(words);
    EXPECT_EQ(finished.exit_code, exit_code);
    EXPECT_THAT(finished.err, testing::StartsWith("error: "));
    EXPECT_THAT(finished.err, HasSubstr(fragment));
    EXPECT_EQ(finished.err.find('\n') + 1, finished.err.size()) << finished.err;
    EXPECT_FALSE(fs::exists(results("refused")));
  }

  const TempFolder folder_;
};

TEST_F(Eval, SameBytesForAnyBatchAnyWorkersAnyThreads) {
  const std::string expected = bytes_of("a");
  const json all = json::parse(expected);
  EXPECT_EQ(all["tasks"]["piqa"]["items"].size(), static_cast<size_t>(kItems));
  EXPECT_EQ(all["tasks"]["arc_easy"]["items"].size(), static_cast<size_t>(kItems - 20));
  EXPECT_EQ(bytes_of("b", {"--batch", "1"}), expected);
  EXPECT_EQ(bytes_of("c", {"--batch", "8", "--threads", "1"}), expected);
  for (const char* workers : {"2", "3"}) {
    EXPECT_EQ(bytes_with_workers(workers, arguments("w", {"--threads", "1"}), "w"), expected);
  }
}

TEST_F(Eval, PerplexityHasTheSameBytesForAnyBatchAnyWorkersAnyThreads) {
  data::test::made_up_source(folder_.path(), "text.jsonl", 0, 20);
  const Words windows{"--max-length", "24", "--stride", "7"};
  const auto with = [&](const std::string& name, Words more) {
    more.insert(more.end(), windows.begin(), windows.end());
    return on_text(name, "text.jsonl", more);
  };
  const std::string expected = bytes_after(with("a", {}), "a");
  const json found = json::parse(expected);
  EXPECT_EQ(found["perplexity"]["files"], json({(folder_ / "text.jsonl").string()}));
  EXPECT_EQ(found["perplexity"]["documents"], 20);
  EXPECT_EQ(found["evaluation"]["max_length"], 24);
  EXPECT_EQ(found["evaluation"]["stride"], 7);
  EXPECT_EQ(bytes_after(with("b", {"--batch", "1"}), "b"), expected);
  EXPECT_EQ(bytes_after(with("c", {"--batch", "8", "--threads", "1"}), "c"), expected);
  for (const char* workers : {"2", "3"}) {
    EXPECT_EQ(bytes_with_workers(workers, with("w", {"--threads", "1"}), "w"), expected);
  }
  const Finished finished = run_strata(with("d", {"--markdown"}));
  EXPECT_THAT(finished.out, HasSubstr("| documents | tokens | bytes | loss | perplexity | bits per byte |"));
}

TEST_F(Eval, PerplexityIsTheLossOfARunsOwnEvaluation) {
  const SmallRun run;
  const Finished trained = run.pretrain("run", {"data.sequence_length=512", "evaluate.tokens=1000000"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const json last = run.lines("run", "eval.jsonl").back();
  ASSERT_EQ(last["step"], 9);
  for (const char* gemm : {"aten", "tiles"}) {
    const Words words{
        "eval",       run.checkpoint("run", 9), "--perplexity", run / "valid.jsonl", "--gemm", gemm, "--output",
        results(gemm)};
    const json found = json::parse(bytes_after(words, gemm))["perplexity"];
    EXPECT_EQ(found["tokens"], last["targets"]);
    EXPECT_NEAR(found["loss"].get<double>() / last["loss"].get<double>(), 1.0, 1e-6);
    EXPECT_NEAR(found["perplexity"].get<double>() / last["perplexity"].get<double>(), 1.0, 1e-5);
    data::DocumentReader reader({.name = "valid.jsonl", .files = {run / "valid.jsonl"}}, {});
    int64_t bytes = 0;
    for (std::string text; reader.next(text);) bytes += std::ssize(text);
    EXPECT_EQ(found["bytes"], bytes);
  }
}

TEST_F(Eval, GoesOnAfterAKill) {
  const std::string expected = bytes_of("whole");
  const fs::path partial = results("killed").string() + ".partial";
  {
    Program program(strata_command(arguments("killed", {"--batch", "1"})));
    wait_until([&] { return fs::exists(partial) && fs::file_size(partial) > 2000; });
    program.send(SIGKILL);
    program.wait();
  }
  ASSERT_TRUE(fs::exists(partial));
  EXPECT_FALSE(fs::exists(results("killed")));
  const Finished finished = run_strata(arguments("killed"));
  EXPECT_THAT(finished.out, HasSubstr(" items were scored before"));
  EXPECT_EQ(read_file(results("killed")), expected);
  EXPECT_FALSE(fs::exists(partial));
}

TEST_F(Eval, LimitIsOfTheFirstItems) {
  const json all = json::parse(bytes_of("all"));
  const json some = json::parse(bytes_of("some", {"--limit", "7"}));
  for (const char* task : {"piqa", "arc_easy"}) {
    ASSERT_EQ(some["tasks"][task]["items"].size(), 7U);
    for (size_t doc = 0; doc < 7; ++doc) EXPECT_EQ(some["tasks"][task]["items"][doc], all["tasks"][task]["items"][doc]);
  }
}

TEST_F(Eval, WithoutEachLayer) {
  const Finished finished = run_strata(arguments("each", {"--drop-layer", "each", "--markdown"}));
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("| without layer | piqa | arc_easy | average |"));
  const json results_of_each = io::read_json(results("each"));
  const json whole = json::parse(bytes_of("whole"));
  EXPECT_EQ(results_of_each["tasks"], whole["tasks"]);
  ASSERT_EQ(results_of_each["without_layer"].size(), 3U);
  for (const char* layer : {"0", "1", "2"}) {
    EXPECT_NE(results_of_each["without_layer"][layer]["tasks"]["piqa"]["items"], whole["tasks"]["piqa"]["items"]);
  }
  const json second = json::parse(bytes_of("second", {"--drop-layer", "1"}));
  EXPECT_EQ(second["without_layer"]["1"], results_of_each["without_layer"]["1"]);
  for (const auto& entry : fs::directory_iterator(folder_.path())) EXPECT_NE(entry.path().extension(), ".partial");
}

TEST_F(Eval, RefusesWhatIsWrong) {
  refuse(arguments("refused", {"--tasks", "piqua"}), kWrongUsage, "unknown task \"piqua\"; did you mean \"piqa\"?");
  refuse(arguments("refused", {"--tasks", "boolq"}), kFailed, "boolq.jsonl");
  refuse({"eval", model(), "--data", folder_ / "none", "--tokenizer", data::test::small_model()}, kWrongUsage,
         "none: no such folder; scripts/fetch_data.sh eval");
  refuse(arguments("refused", {"--drop-layer", "3"}), kWrongUsage, "--drop-layer=3: is neither a layer from 0 to 2");
  refuse(arguments("refused", {"--drop-layer", "last"}), kWrongUsage, "--drop-layer=last");
  refuse(arguments("refused", {"--shots", "-1"}), kWrongUsage, "--shots");
  refuse(arguments("refused", {"--max-length", "3"}), kFailed, "tokens, the model takes at most 3");
  refuse({"eval", model(), "--data", folder_ / "data"}, kWrongUsage,
         "give a sentencepiece model or a tokenizer.json with --tokenizer");
  refuse({"eval", folder_ / "nothing"}, kWrongUsage, "nothing: no such folder");
  write_file(folder_ / "data/piqa.jsonl", R"({"goal": "x", "sol1": "a", "label": 0})");
  refuse(arguments("refused"), kFailed, "piqa.jsonl:1: ");
}

TEST_F(Eval, RefusesTextThatIsWrong) {
  data::test::made_up_source(folder_.path(), "text.jsonl", 0, 3);
  write_file(folder_ / "empty.txt", "");
  write_file(folder_ / "blank.jsonl", R"({"text": " "})");
  write_file(folder_ / "broken.jsonl", "{\"text\": \"a b\"}\n{\"text\": 3}\n");
  write_file(folder_ / "text.pdf", "a,b\n");
  const auto text = [&](const std::string& file, const Words& more = {}) { return on_text("refused", file, more); };
  refuse(text("none.txt"), kWrongUsage, "--perplexity: no file matches");
  refuse(text("text.pdf"), kWrongUsage, "text.pdf is none of .json .jsonl .txt");
  refuse(text("empty.txt"), kFailed, "empty.txt: there is no document in it");
  refuse(text("blank.jsonl"), kFailed, "blank.jsonl: nothing to score");
  refuse(text("broken.jsonl"), kFailed, "broken.jsonl:2: the field \"text\" is not a string");
  refuse(text("text.jsonl", {"--tasks", "piqa"}), kWrongUsage, "--tasks: is for tasks; give it or --perplexity");
  refuse(text("text.jsonl", {"--drop-layer", "1"}), kWrongUsage, "--drop-layer: is for tasks");
  refuse(text("text.jsonl", {"--max-length", "8", "--stride", "9"}), kWrongUsage,
         "--stride=9: tokens would be left out");
  refuse(text("text.jsonl", {"--stride", "0"}), kWrongUsage, "--stride");
  refuse(arguments("refused", {"--stride", "9"}), kWrongUsage, "--stride: is for --perplexity");
}

class TasksInTraining : public testing::Test {
 protected:
  TasksInTraining() { write_questions(run_ / "data"); }

  Words overrides(const Words& more = {}) const {
    Words words{"run.gemm=tiles", "data.sequence_length=128", "checkpoint.every=3",
                "evaluate.tasks={names: [piqa, arc_easy], every: 3, limit: 25, shots: 1, data: " +
                    (run_ / "data").string() + "}"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  const SmallRun run_;
};

// What a run finds while it trains is what strata eval finds for its checkpoints.
TEST_F(TasksInTraining, AreScoredAsByStrataEval) {
  const Finished finished = run_.pretrain("run", overrides());
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("step 3  piqa "));
  const std::vector<json> lines = run_.lines("run", "tasks.jsonl");
  ASSERT_EQ(lines.size(), 3U);
  for (const json& line : lines) {
    const int64_t step = line["step"];
    const fs::path results = run_ / str("results_", step, ".json");
    Words words{"eval", run_.checkpoint("run", step), "--data", run_ / "data", "--tasks", "piqa,arc_easy"};
    words.insert(words.end(), {"--shots", "1", "--limit", "25", "--max-length", "128", "--output", results});
    ASSERT_EQ(run_strata(words).exit_code, 0);
    const json found = io::read_json(results);
    for (const char* task : {"piqa", "arc_easy"}) {
      for (const char* number : {"acc", "acc_stderr", "acc_norm", "acc_norm_stderr"}) {
        EXPECT_EQ(line[task][number], found["tasks"][task][number]) << task << " " << number << " at step " << step;
      }
    }
    EXPECT_EQ(line["average"], found["average"]);
  }
}

TEST_F(TasksInTraining, ChangeNothingElseAndSurviveAStop) {
  ASSERT_EQ(run_.pretrain("with", overrides()).exit_code, 0);
  ASSERT_EQ(run_.pretrain("without", {"run.gemm=tiles", "data.sequence_length=128", "checkpoint.every=3"}).exit_code,
            0);
  EXPECT_EQ(run_.weights("with", 9), run_.weights("without", 9));
  EXPECT_EQ(run_.lines("with", "metrics.jsonl"), run_.lines("without", "metrics.jsonl"));
  EXPECT_FALSE(fs::exists(run_ / "without/tasks.jsonl"));
  ASSERT_EQ(run_.pretrain("stopped", overrides({"train.stop_after=5"})).exit_code, 0);
  EXPECT_EQ(run_.lines("stopped", "tasks.jsonl").size(), 1U);
  ASSERT_EQ(run_.pretrain("stopped", overrides()).exit_code, 0);
  EXPECT_EQ(run_.lines("stopped", "tasks.jsonl"), run_.lines("with", "tasks.jsonl"));
}

TEST_F(TasksInTraining, RefuseWhatIsWrongBeforeTheFirstStep) {
  const auto refused = [&](const std::string& wrong, const std::string& fragment) {
    const Finished finished = run_.pretrain("refused", overrides({wrong}));
    EXPECT_NE(finished.exit_code, 0);
    EXPECT_THAT(finished.err, HasSubstr(fragment));
    EXPECT_TRUE(run_.steps("refused").empty());
  };
  refused("evaluate.tasks.names=[piqua]", "evaluate.tasks.names: unknown task \"piqua\"; did you mean \"piqa\"?");
  refused("evaluate.tasks.names=[boolq]", "boolq.jsonl");
  refused("evaluate.tasks.shots=-1", "evaluate.tasks.shots");
  refused("data.sequence_length=8", "the model takes at most 8");
}

}  // namespace
}  // namespace strata::test
