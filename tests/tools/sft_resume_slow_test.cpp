// Fine-tuning that is stopped, killed, moved between numbers of workers and resumed: it ends with the bytes of a run
// that was left alone.
#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "strata/base/check.h"
#include "support/sft_run.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Words = std::vector<std::string>;

// 41 rows of eight a step: the sixth step of an epoch has a single one, so that most workers have none. Layers take
// turns at steps 5 and 9, an epoch ends after 6.
const Words kShort{"sft.limit=41", "sft.answers=8"};
const std::string kKeep = "lisa={layers: 2, interval: 4}";
const std::string kDrop = "lisa={layers: 2, interval: 4, states: drop, sampling: weighted}";

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

size_t lines_in(const fs::path& file) {
  std::ifstream stream(file);
  size_t count = 0;
  for (std::string line; std::getline(stream, line);) ++count;
  return count;
}

class SftResume : public testing::Test {
 protected:
  void go(const std::string& run, const Words& overrides) const {
    const Finished finished = run_.sft(run, overrides);
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }

  void go(int workers, const std::string& run, const Words& overrides) const {
    const Words flags{"launch", "--no-python", "--nproc-per-node", std::to_string(workers)};
    const Finished finished = run_program(strata_command(flags) + run_.command(run, overrides));
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }

  // Where one worker wrote both, the optimizer's file too.
  void expect_same_run(const std::string& run, const std::string& whole) const {
    ASSERT_FALSE(run_.steps(run).empty());
    const int64_t last = run_.steps(whole).back();
    for (const char* file : {"model.safetensors", "state.json", "optimizer-1-of-1.safetensors"}) {
      const fs::path mine = run_.checkpoint(run, last) / file;
      if (fs::exists(run_.checkpoint(run, last) / "optimizer-2-of-2.safetensors") && !fs::exists(mine)) continue;
      EXPECT_TRUE(read_file(mine) == read_file(run_.checkpoint(whole, last) / file)) << mine;
      EXPECT_FALSE(read_file(mine).empty()) << mine;
    }
    for (const char* file : {"metrics.jsonl", "layers.jsonl", "eval.jsonl"}) {
      EXPECT_EQ(run_.lines(run, file), run_.lines(whole, file)) << run << "/" << file;
    }
  }

  const SftRun run_;
};

TEST_F(SftResume, SplitRunsEndWithTheSameBytes) {
  const std::vector<Words> modes{{},
                                 {kKeep, "sft.train_gates=true", "evaluate.every=5"},
                                 {kDrop, "train.precision=bf16", "sft.pack=samples", "train.global_batch=4"}};
  for (size_t mode = 0; mode < modes.size(); ++mode) {
    const std::string whole = str("whole", mode), split = str("split", mode);
    go(whole, kShort + modes[mode]);
    for (const char* stop : {"0", "2", "4", "6", "6", "9", "-1"}) {
      go(split, kShort + modes[mode] + Words{str("train.stop_after=", stop)});
    }
    expect_same_run(split, whole);
  }
}

TEST_F(SftResume, KillsAndSignalsLeaveNoTrace) {
  const Words mode = kShort + Words{kDrop, "sft.epochs=60", "checkpoint={every: 3, keep: 4}"};
  go("whole", mode);
  std::mt19937 random(7);
  size_t before = 0;
  int hits = 0;
  for (int kill = 0; kill < 12; ++kill) {
    Program program(run_.command("killed", mode));
    const fs::path metrics = run_ / "killed/metrics.jsonl";
    ASSERT_TRUE(wait_until([&] { return !program.is_running() || lines_in(metrics) > before + 6; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 40));
    const int signal = kill % 4 == 3 ? SIGTERM : SIGKILL;
    program.send(signal);
    const Finished finished = program.wait();
    if (finished.exit_code == 0) break;
    ASSERT_EQ(finished.exit_code, 128 + signal) << finished.err;
    before = run_.steps("killed").empty() ? 0 : static_cast<size_t>(run_.steps("killed").back());
    hits += 1;
  }
  EXPECT_GT(hits, 2);
  go("killed", mode);
  expect_same_run("killed", "whole");
}

TEST_F(SftResume, AnyNumberOfWorkersEndsWithTheSameBytes) {
  const std::vector<Words> modes{{"parallel.zero=1"}, {kKeep}, {kDrop}};
  for (size_t mode = 0; mode < modes.size(); ++mode) {
    const Words overrides = kShort + modes[mode];
    const std::string alone = str("alone", mode), two = str("two", mode), moved = str("moved", mode);
    go(alone, overrides);
    go(2, two, overrides);
    expect_same_run(two, alone);
    go(2, moved, overrides + Words{"train.stop_after=3"});
    go(4, moved, overrides + Words{"train.stop_after=8"});
    go(moved, overrides);
    expect_same_run(moved, alone);
  }
}

TEST_F(SftResume, AnotherRunIsNamedByItsKeys) {
  go("run", kShort + Words{"train.stop_after=2"});
  const auto refused = [&](const Words& overrides, const std::string& message) {
    const Finished other = run_.sft("run", kShort + overrides);
    EXPECT_EQ(other.exit_code, kFailed) << other.err;
    EXPECT_THAT(other.err, HasSubstr(message));
    EXPECT_EQ(run_.steps("run"), std::vector<int64_t>{2});
    EXPECT_EQ(run_.lines("run", "metrics.jsonl").size(), 2U);
  };
  write_file(run_ / "others.json", SftRun::array_of(1, SftRun::kRecords + 1));
  refused({"sft.data=[" + (run_ / "others.json").string() + "]"}, "holds another run: sft.data was data ");
  refused({"sft.limit=42"}, "sft.limit was 41, is 42");
  refused({"sft.epochs=3"}, "sft.epochs was 2, is 3");
  refused({"sft.template=alpaca", "data.sequence_length=256"}, "sft.template was plain, is alpaca");
  refused({kKeep}, "lisa.layers was 0, is 2");
  const fs::path weights = run_.start() / "model.safetensors";
  fs::copy(run_.start(), run_ / "moved");
  std::string bytes = read_file(weights);
  bytes.back() ^= 1;
  write_file(weights, bytes);
  refused({}, "sft.model was model ");
  go("run", kShort + Words{"sft.model=" + (run_ / "moved").string()});  // the same model elsewhere
  EXPECT_EQ(run_.lines("run", "metrics.jsonl").size(), 12U);
}

}  // namespace
}  // namespace strata::test
