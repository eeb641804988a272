// Storage that fails once, at any call: nothing that verifies is wrong, nothing that was there is lost, and it is said.
// Of calls that differ in nothing but numbers and names made of them the first is tried, with STRATA_ALL_FAULTS=1 each.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/train/checkpoint/checkpoint.h"
#include "support/data_fixtures.h"
#include "support/launching.h"
#include "support/sft_run.h"
#include "support/small_run.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;

constexpr int kNone = 0;

// "write runs/a.tmp-17-0" of a call on runs/a.tmp-17-0: what is the same in every process.
std::string kind_of(const std::string& call) {
  std::string kind;
  for (const char letter : call) {
    const bool is_digit = std::isdigit(static_cast<unsigned char>(letter)) != 0;
    if (!is_digit || !kind.ends_with('#')) kind += is_digit ? '#' : letter;
  }
  return kind;
}

std::set<std::string> complaints_of(const Finished& finished) {
  std::set<std::string> complaints;
  for (const std::string& line : lines_of(finished.err)) {
    if (line.find("error: ") != std::string::npos || line.find("warning: ") != std::string::npos) {
      complaints.insert(line);
    }
  }
  return complaints;
}

class StorageFaults : public testing::Test {
 protected:
  // `command` with its call number `call` below `folder` failing.
  Finished run(const Words& command, const fs::path& folder, int call) const {
    Words words{"env",
                "LD_PRELOAD=" + std::string(STRATA_FAILING_STORAGE),
                "STRATA_FAILING_FOLDER=" + folder.string(),
                str("STRATA_FAILING_CALL=", call),
                str("STRATA_FAILING_ERRNO=", call % 2 == 0 ? ENOSPC : EIO),
                "STRATA_FAILING_LOG=" + log()};
    // AddressSanitizer, where it is built in, is not the first library then.
    const char* options = std::getenv("ASAN_OPTIONS");
    words.push_back(str("ASAN_OPTIONS=", options == nullptr ? "" : options, ":verify_asan_link_order=0"));
    words.insert(words.end(), command.begin(), command.end());
    fs::remove(log());
    return run_program(words);
  }

  std::string log() const { return scratch_ / "calls"; }

  // Runs the command once for every call that it makes below `folder`, each time after `prepare`, with that call
  // failing; then `check`.
  void sweep(const Words& command, const fs::path& folder, const std::function<void()>& prepare,
             const std::function<void(const Finished&)>& check) const {
    prepare();
    const Finished whole = run(command, folder, kNone);
    ASSERT_EQ(whole.exit_code, 0) << whole.err;
    const Words calls = lines_of(read_file(log()));
    ASSERT_GT(calls.size(), 5U);
    const std::set<std::string> usual = complaints_of(whole);
    std::set<std::string> tried;
    int failures = 0;
    for (size_t i = 0; i < calls.size(); ++i) {
      if (calls[i].starts_with("fopen") && calls[i].ends_with("log.txt")) continue;  // spdlog tries five times
      if (std::getenv("STRATA_ALL_FAULTS") == nullptr && !tried.insert(kind_of(calls[i])).second) continue;
      SCOPED_TRACE(str("call ", i + 1, " of ", calls.size(), ": ", calls[i]));
      prepare();
      const Finished finished = run(command, folder, static_cast<int>(i) + 1);
      EXPECT_THAT(finished.exit_code, AnyOf(0, kFailed, kWrongUsage));
      EXPECT_FALSE(std::ranges::includes(usual, complaints_of(finished)));
      failures += finished.exit_code == 0 ? 0 : 1;
      check(finished);
      if (HasFailure()) FAIL() << finished.out << finished.err;
    }
    EXPECT_GT(failures, 0);
  }

  TempFolder scratch_;
};

// The folder is the same as a copy of it.
void copy_anew(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

// The run in the folder "run", resumed from the checkpoint of step `before`, with each of its calls failing.
template <class Run>
class Resumed {
 public:
  Resumed(int64_t before, int64_t last, const Words& overrides) : before_(before), last_(last), overrides_(overrides) {
    Words stopped = overrides;
    stopped.push_back(str("train.stop_after=", before));
    EXPECT_EQ(run_program(runs.command("whole", overrides)).exit_code, 0);
    EXPECT_EQ(run_program(runs.command("run", stopped)).exit_code, 0);
    copy_anew(folder(), runs / "before");
  }

  fs::path folder() const { return runs / "run"; }
  Words command() const { return runs.command("run", overrides_); }
  void prepare() const { copy_anew(runs / "before", folder()); }

  void check(const Finished& finished) const {
    for (const int64_t step : runs.steps("run")) {
      try {
        train::Checkpoint::open(runs.checkpoint("run", step));
        EXPECT_EQ(runs.weights("run", step), runs.weights("whole", step)) << step;
      } catch (const train::DamagedCheckpoint& damaged) {
        ADD_FAILURE() << damaged.what();
      }
    }
    EXPECT_FALSE(runs.weights("run", before_).empty());
    if (finished.exit_code == 0) {
      EXPECT_EQ(runs.steps("run").back(), last_);
    }
    const Finished again = run_program(command());
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(runs.weights("run", last_), runs.weights("whole", last_));
    EXPECT_EQ(runs.lines("run", "metrics.jsonl"), runs.lines("whole", "metrics.jsonl"));
  }

  Run runs;

 private:
  int64_t before_, last_;
  Words overrides_;
};

TEST_F(StorageFaults, OfPretraining) {
  const Resumed<SmallRun> resumed(4, 9, {});
  sweep(
      resumed.command(), resumed.folder(), [&] { resumed.prepare(); },
      [&](const Finished& finished) { resumed.check(finished); });
}

TEST_F(StorageFaults, OfFineTuning) {
  const Resumed<SftRun> resumed(5, 12, {"checkpoint.every=5", "telemetry.every=0"});
  sweep(
      resumed.command(), resumed.folder(), [&] { resumed.prepare(); },
      [&](const Finished& finished) { resumed.check(finished); });
}

TEST_F(StorageFaults, OfTokenization) {
  const fs::path cache = scratch_ / "cache";
  data::test::made_up_source(scratch_.path(), "a.jsonl", 0, 40);
  data::test::made_up_source(scratch_.path(), "b.json.gz", 40, 70);
  const Words command = strata_command({"tokenize", scratch_ / "a.jsonl", scratch_ / "b.json.gz", "--tokenizer",
                                        data::test::small_model(), "--cache", cache, "--threads", "1"});
  const auto shards = [&] {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(cache)) {
      if (entry.path().extension() == ".tokens") found[entry.path().filename()] = read_file(entry.path());
    }
    return found;
  };
  ASSERT_EQ(run_program(command).exit_code, 0);
  const auto whole = shards();
  ASSERT_EQ(whole.size(), 2U);
  sweep(
      command, cache, [&] { fs::remove_all(cache); },
      [&](const Finished&) {
        for (const auto& [name, bytes] : shards()) EXPECT_EQ(bytes, whole.at(name));
        EXPECT_EQ(run_program(command).exit_code, 0);
        EXPECT_EQ(shards(), whole);
      });
}

// Of a model and its evaluation and export.
class StorageFaultsOfModels : public StorageFaults {
 protected:
  StorageFaultsOfModels() {
    fs::create_directories(folder());
    write_file(scratch_ / "tiny.yaml",
               "model: {vocab: 200, hidden: 32, intermediate: 48, layers: 1, heads: 2}\n"
               "norm: {scheme: pre+gpas}\n"
               "data: {tokenizer: " +
                   data::test::small_model().string() + "}\n");
    EXPECT_EQ(run_strata({"init", scratch_ / "tiny.yaml", model()}).exit_code, 0);
    EXPECT_EQ(run_strata({"init", scratch_ / "tiny.yaml", other(), "run.seed=7"}).exit_code, 0);
    data::test::made_up_source(scratch_.path(), "text.jsonl", 0, 10);
  }

  fs::path folder() const { return scratch_ / "out"; }
  std::string model() const { return scratch_ / "model"; }
  std::string other() const { return scratch_ / "other"; }
};

TEST_F(StorageFaultsOfModels, OfEvaluation) {
  std::string questions;
  for (int item = 0; item < 6; ++item) {
    questions += str(R"({"goal": "a )", item, R"(", "sol1": "b", "sol2": "c d", "label": )", item % 2, "}\n");
  }
  write_file(scratch_ / "data/piqa.jsonl", questions);
  const fs::path results = folder() / "results.json";
  const Words command = strata_command({"eval", model(), "--data", scratch_ / "data", "--tasks", "piqa", "--output",
                                        results, "--tokenizer", data::test::small_model()});
  ASSERT_EQ(run_program(command).exit_code, 0);
  const std::string whole = read_file(results);
  sweep(
      command, folder(),
      [&] {
        fs::remove_all(folder());
        fs::create_directories(folder());
      },
      [&](const Finished&) {
        if (fs::exists(results)) {
          EXPECT_EQ(read_file(results), whole);
        }
        EXPECT_EQ(run_program(command).exit_code, 0);
        EXPECT_EQ(read_file(results), whole);
      });
}

TEST_F(StorageFaultsOfModels, OfAnExportOverAnother) {
  const std::string out = folder() / "hf";
  const auto files = [&] {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(out)) found[entry.path().filename()] = read_file(entry.path());
    return found;
  };
  const Words command = strata_command({"export", model(), out, "--force"});
  ASSERT_EQ(run_program(command).exit_code, 0);
  const auto whole = files();
  ASSERT_EQ(run_strata({"export", other(), out, "--force"}).exit_code, 0);
  const auto before = files();
  ASSERT_NE(before, whole);
  copy_anew(out, scratch_ / "before");
  sweep(
      command, folder(), [&] { copy_anew(scratch_ / "before", out); },
      [&](const Finished&) { EXPECT_THAT(files(), AnyOf(before, whole)); });
}

}  // namespace
}  // namespace strata::test
