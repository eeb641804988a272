// Runs that are stopped, killed, moved and resumed, from the command line: they end with the bytes of one that was not.
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include "strata/base/check.h"
#include "strata/io/file.h"
#include "support/small_run.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

bool has_lines(const fs::path& file, int64_t count) {
  std::ifstream stream(file);
  std::string line;
  while (count > 0 && std::getline(stream, line)) --count;
  return count == 0;
}

void flip_a_bit(const fs::path& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(file) / 2);
  stream.seekg(middle);
  const int byte = stream.get();
  stream.seekp(middle);
  stream.put(static_cast<char>(byte ^ 4));
}

// Whether a save or a removal was under way.
bool is_left_unfinished(const fs::path& checkpoints) {
  if (!fs::exists(checkpoints)) return false;
  const auto is_hidden = [](const auto& entry) { return entry.path().filename().string().starts_with("."); };
  return std::ranges::any_of(fs::directory_iterator(checkpoints), is_hidden);
}

// One of four ways, in turn.
void damage(const fs::path& checkpoint, int turn) {
  switch (turn % 4) {
    case 0:
      fs::resize_file(checkpoint / "model.safetensors", fs::file_size(checkpoint / "model.safetensors") / 2);
      break;
    case 1:
      flip_a_bit(checkpoint / "optimizer-1-of-1.safetensors");
      break;
    case 2:
      fs::remove(checkpoint / "manifest.json");
      break;
    default:
      write_file(checkpoint / "state.json", "{}");
  }
}

class Resume : public testing::Test {
 protected:
  void expect_same_run(const std::string& run, const std::string& whole, int64_t last) const {
    EXPECT_TRUE(run_.weights(run, last) == run_.weights(whole, last));
    for (const char* file : {"metrics.jsonl", "layers.jsonl", "eval.jsonl"}) {
      EXPECT_TRUE(run_.lines(run, file) == run_.lines(whole, file)) << run << ": " << file;
    }
  }

  const SmallRun run_;
};

// 70 rows of 12 a step: nine steps cross the end of an epoch. Evaluation is due at step 5, a checkpoint at 4 and 8.
TEST_F(Resume, SplitRunsEndWithTheSameBytes) {
  const std::vector<std::vector<std::string>> modes{
      {},
      {"data.rows=packed"},
      {"data.shuffle_scope=shard", "data.packed_attention=row", "data.rows=packed"},
      {"train.precision=bf16"},
      {"train.precision=mixed", "optimizer={kind: adamw, weight_decay: 0.1}"},
      {"checkpoint.asynchronous=false", "schedule.kind=reference"},
      {"train.spike={action: skip, window: 2, sigma: 0.1}", "train.loss_average=per_micro_batch"}};
  for (size_t i = 0; i < modes.size(); ++i) {
    SCOPED_TRACE(testing::PrintToString(modes[i]));
    const std::string whole = str("whole", i), split = str("split", i);
    ASSERT_EQ(run_.pretrain(whole, modes[i]).exit_code, 0);
    for (const char* stop : {"0", "1", "3", "5", "5", "8", "-1"}) {
      auto overrides = modes[i];
      overrides.push_back(str("train.stop_after=", stop));
      const Finished part = run_.pretrain(split, overrides);
      ASSERT_EQ(part.exit_code, 0) << part.err;
    }
    expect_same_run(split, whole, run_.steps(whole).back());
  }
  EXPECT_EQ(run_.lines("whole0", "metrics.jsonl").size(), 9U);
  EXPECT_EQ(run_.lines("whole0", "metrics.jsonl").back()["epoch"], 1);
  int skipped = 0;
  for (const json& line : run_.lines("whole6", "metrics.jsonl")) skipped += line.at("skipped") ? 1 : 0;
  EXPECT_GT(skipped, 0);
}

// Saves every three steps, so that most kills hit one; before each start the newest checkpoint may be damaged.
TEST_F(Resume, AHundredKillsLeaveNoTrace) {
  const std::vector<std::string> mode{"train.steps=2000",
                                      "checkpoint.every=3",
                                      "checkpoint.keep=4",
                                      "evaluate.every=50",
                                      "telemetry.every=5",
                                      "telemetry.tensorboard=false",
                                      "train.spike={action: skip, window: 16, sigma: 2.5}"};
  ASSERT_EQ(run_.pretrain("whole", mode).exit_code, 0);
  std::mt19937 random(7);
  const auto drawn = [&](int most) { return milliseconds(std::uniform_int_distribution<int>(0, most)(random)); };
  const auto newest = [&] {
    const std::vector<int64_t> steps = run_.steps("killed");
    return steps.empty() ? 0 : steps.back();
  };
  int damaged = 0;
  int hit_a_save = 0;
  for (int kill = 0; kill < 100; ++kill) {
    const int64_t before = newest();
    Program program(run_.command("killed", mode));
    if (kill % 4 == 0) {
      std::this_thread::sleep_for(drawn(700));  // perhaps before the first step
    } else {
      // It has got on, however busy the machine is, and saves follow every three steps.
      ASSERT_TRUE(wait_until([&] { return !program.is_running() || newest() > before; }));
      std::this_thread::sleep_for(drawn(60));
    }
    program.send(SIGKILL);
    const Finished finished = program.wait();
    if (finished.exit_code == 0) {  // it came to its end before the kill: once more from the start
      expect_same_run("killed", "whole", 2000);
      fs::remove_all(run_ / "killed");
      continue;
    }
    ASSERT_EQ(finished.exit_code, 128 + SIGKILL) << "kill " << kill << ": " << finished.err;

    hit_a_save += is_left_unfinished(run_ / "killed/checkpoints") ? 1 : 0;
    const std::vector<int64_t> left = run_.steps("killed");
    if (left.size() < 2 || kill % 3 != 0) continue;
    damage(run_.checkpoint("killed", left.back()), damaged++);
  }
  std::cout << hit_a_save << " of 100 kills hit a save, " << damaged << " checkpoints were damaged\n";
  EXPECT_GT(hit_a_save, 0);
  EXPECT_GT(damaged, 10);
  const Finished last = run_.pretrain("killed", mode);
  ASSERT_EQ(last.exit_code, 0) << last.err;
  expect_same_run("killed", "whole", 2000);
  EXPECT_FALSE(is_left_unfinished(run_ / "killed/checkpoints"));
  for (const auto& entry : fs::directory_iterator(run_ / "killed")) EXPECT_FALSE(io::target_of_temporary(entry.path()));
}

TEST_F(Resume, ADamagedCheckpointIsNamedAndSetAside) {
  ASSERT_EQ(run_.pretrain("whole").exit_code, 0);
  ASSERT_EQ(run_.pretrain("cut", {"train.stop_after=8"}).exit_code, 0);
  const auto newest = run_.checkpoint("cut", 8) / "optimizer-1-of-1.safetensors";
  fs::resize_file(newest, fs::file_size(newest) - 1);
  const Finished resumed = run_.pretrain("cut");
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, HasSubstr(newest.string() + ": has another size"));
  EXPECT_THAT(resumed.err, HasSubstr("step_00000004 at step 4"));
  EXPECT_TRUE(fs::exists(run_ / "cut/checkpoints/aside_step_00000008"));
  expect_same_run("cut", "whole", 9);
}

// An older checkpoint, and no checkpoint at all, on purpose: what is newer must not be taken for this run's later.
TEST_F(Resume, FromAnOlderCheckpointOrAnew) {
  ASSERT_EQ(run_.pretrain("run").exit_code, 0);
  const std::string whole = run_.weights("run", 9);
  const Finished again =
      run_.pretrain("run", {"train.resume=" + (run_.checkpoint("run", 4) / "").string(), "train.stop_after=5"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(run_.steps("run"), ElementsAre(4, 5));
  EXPECT_EQ(run_.lines("run", "metrics.jsonl").size(), 5U);
  ASSERT_EQ(run_.pretrain("run", {"train.resume=none"}).exit_code, 0);
  EXPECT_THAT(run_.steps("run"), ElementsAre(4, 8, 9));
  EXPECT_EQ(run_.weights("run", 9), whole);
  ASSERT_EQ(run_.pretrain("moved", {"train.resume=" + run_.checkpoint("run", 8).string()}).exit_code, 0);
  EXPECT_EQ(run_.weights("moved", 9), whole);
}

TEST_F(Resume, AnotherConfigIsShownAndRefusedWhereItChangesTheNumbers) {
  ASSERT_EQ(run_.pretrain("run", {"train.stop_after=4"}).exit_code, 0);
  const auto refused = [&](const std::vector<std::string>& overrides, int exit_code, const std::string& message) {
    const Finished other = run_.pretrain("run", overrides);
    EXPECT_EQ(other.exit_code, exit_code) << other.err;
    EXPECT_THAT(other.err, HasSubstr(message));
    EXPECT_EQ(run_.lines("run", "metrics.jsonl").size(), 4U);
    EXPECT_THAT(run_.steps("run"), ElementsAre(4));
    return other.err;
  };
  const std::string err = refused({"optimizer.lr=0.5"}, kFailed, "optimizer.lr was 0.001, is 0.5; another run.dir");
  EXPECT_THAT(err, HasSubstr("key                checkpoint   now\n"));
  EXPECT_THAT(err, HasSubstr("optimizer.lr       0.001        0.5\n"));
  EXPECT_THAT(err, HasSubstr("train.allow_change=[optimizer.lr] goes on all the same"));
  refused({"norm.scheme=post+gpas", "train.allow_change=[norm]"}, kFailed, "norm.scheme was sandwich+gpas, is post");
  refused({"train.allow_change=[optimizer.rl]"}, kWrongUsage, "did you mean \"optimizer.lr\"?");
  refused({"data.train=[" + (run_ / "a.jsonl").string() + "]"}, kFailed, "data.train was data ");
  refused({"run.seed=1"}, kFailed, "run.seed was 42, is 1");

  // Data that moved are the same data.
  fs::create_directory(run_ / "elsewhere");
  for (const char* file : {"a.jsonl", "b.json.gz"}) fs::copy_file(run_ / file, run_ / "elsewhere" / file);
  const std::string moved =
      "data.train=[" + (run_ / "elsewhere/a.jsonl").string() + "," + (run_ / "elsewhere/b.json.gz").string() + "]";
  const Finished taken = run_.pretrain(
      "run", {moved, "checkpoint.every=2", "optimizer.lr=0.5", "train.allow_change=[optimizer]", "run.gemm=tiles"});
  EXPECT_EQ(taken.exit_code, 0) << taken.err;
  EXPECT_THAT(taken.err, HasSubstr("run.gemm was aten when the checkpoint was saved, is tiles"));
  EXPECT_THAT(run_.steps("run"), ElementsAre(4, 6, 8, 9));
}

TEST_F(Resume, SignalsSaveAndStop) {
  const std::vector<std::string> endless{"train.steps=1000000", "checkpoint.every=0"};
  const auto has_begun = [&](const std::string& run) {
    return [&, run] { return has_lines(run_ / run / "metrics.jsonl", 3); };
  };
  for (const int signal : {SIGTERM, SIGINT}) {
    const std::string run = str("stopped", signal);
    Program program(run_.command(run, endless));
    ASSERT_TRUE(wait_until(has_begun(run)));
    program.send(signal);
    const Finished stopped = program.wait();
    EXPECT_EQ(stopped.exit_code, 128 + signal) << stopped.err;
    ASSERT_EQ(run_.steps(run).size(), 1U);
    EXPECT_EQ(run_.steps(run)[0], run_.lines(run, "metrics.jsonl").back().at("step"));
    EXPECT_EQ(run_.lines(run, "eval.jsonl").size(), static_cast<size_t>(run_.steps(run)[0] / 5));
  }
  Program program(run_.command("saved", endless));
  ASSERT_TRUE(wait_until(has_begun("saved")));
  program.send(SIGUSR1);
  EXPECT_TRUE(wait_until([&] { return !run_.steps("saved").empty(); }));
  EXPECT_TRUE(program.is_running());
}

// As under `| tee log`, which Ctrl-C ends too.
TEST_F(Resume, AClosedPipeEndsNoRun) {
  const std::vector<std::string> endless{"train.steps=1000000", "checkpoint.every=0"};
  const std::string pid = run_ / "pid";
  std::vector<std::string> words{
      "bash", "-c", R"(sh -c 'echo $$ > "$0"; exec "$@"' "$0" "$@" 2>&1 | head -n 1; exit ${PIPESTATUS[0]})", pid};
  for (const std::string& word : run_.command("run", endless)) words.push_back(word);
  Program program(words);
  ASSERT_TRUE(wait_until([&] { return has_lines(run_ / "run/metrics.jsonl", 3); }));
  kill(std::stoi(read_file(pid)), SIGINT);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGINT);
  EXPECT_EQ(run_.steps("run").size(), 1U);
}

// One step of this run takes many seconds.
TEST_F(Resume, GraceEndsAStepThatTakesTooLong) {
  // Where all is slower, so are a run's start and reading its first batch.
  const auto start_a_step = [&](const std::string& name, const std::string& grace) {
    const auto begin = std::chrono::steady_clock::now();
    auto program = std::make_unique<Program>(
        run_.command(name, {"train.global_batch=40000", "train.micro_batch=1", "checkpoint.grace_seconds=" + grace}));
    EXPECT_TRUE(wait_until([&] { return fs::exists(run_ / name / "eval.jsonl"); }));
    const auto started = std::chrono::steady_clock::now() - begin;
    std::this_thread::sleep_for(std::max<std::chrono::nanoseconds>(milliseconds(1000), 2 * started));
    return program;
  };
  const auto program = start_a_step("slow", "2");
  program->send(SIGTERM);
  EXPECT_EQ(program->wait().exit_code, 128 + SIGTERM);
  EXPECT_THAT(run_.steps("slow"), ElementsAre(0));  // saved before the grace was over

  const auto twice = start_a_step("twice", "0");
  twice->send(SIGINT);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_TRUE(twice->is_running());
  twice->send(SIGINT);
  EXPECT_EQ(twice->wait().exit_code, 128 + SIGINT);
  EXPECT_TRUE(run_.steps("twice").empty());
}

TEST_F(Resume, KeepsWhatIsAskedFor) {
  ASSERT_EQ(run_.pretrain("run", {"checkpoint={every: 1, keep: 1, keep_every: 4, keep_best: 1}", "evaluate.every=1",
                                  "optimizer.lr=0.1"})
                .exit_code,
            0);
  const std::vector<json> evaluations = run_.lines("run", "eval.jsonl");
  const auto best =
      std::ranges::min_element(evaluations, {}, [](const json& line) { return line.at("loss").get<double>(); });
  std::set<int64_t> expected{4, 8, 9, best->at("step").get<int64_t>()};
  const std::vector<int64_t> steps = run_.steps("run");
  EXPECT_EQ(std::set<int64_t>(steps.begin(), steps.end()), expected);
}

TEST_F(Resume, SpikesAreToldSkippedOrStopTheRun) {
  const auto spike = [](const std::string& action) {
    return "train.spike={action: " + action + ", window: 2, sigma: 0.1}";
  };
  const Finished warned = run_.pretrain("warned", {spike("warn")});
  EXPECT_EQ(warned.exit_code, 0);
  EXPECT_THAT(warned.err, HasSubstr("a spike: "));
  EXPECT_THAT(warned.err, Not(HasSubstr("update skipped")));
  ASSERT_EQ(run_.pretrain("plain").exit_code, 0);
  EXPECT_EQ(run_.weights("warned", 9), run_.weights("plain", 9));
  EXPECT_FALSE(run_.lines("plain", "metrics.jsonl")[0].contains("loss_z"));
  EXPECT_THAT(run_.pretrain("skipped", {spike("skip")}).err, HasSubstr("update skipped"));
  for (const json& line : run_.lines("skipped", "metrics.jsonl")) {
    EXPECT_EQ(line.at("spike"), line.at("skipped"));
    EXPECT_EQ(line.at("spike"), line.at("loss_z").get<double>() > 0.1 || line.at("grad_norm_z").get<double>() > 0.1);
  }
  const Finished stopped = run_.pretrain("stopped", {spike("stop")});
  EXPECT_EQ(stopped.exit_code, kFailed);
  EXPECT_THAT(stopped.err, HasSubstr("nothing was changed"));
}

// A file system of four megabytes, mounted for a test.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& path) : path_(path) {
    fs::create_directories(path_);
    is_mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=4m") == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool is_mounted() const { return is_mounted_; }

  void fill() const {
    std::ofstream ballast(path_ / "ballast", std::ios::binary);
    while (ballast << std::string(4096, 'x') << std::flush) {
    }
  }
  void free() const { fs::remove(path_ / "ballast"); }

 private:
  fs::path path_;
  bool is_mounted_ = false;
};

TEST_F(Resume, AFullDiskStopsNoRun) {
  const SmallDisk disk(run_ / "disk");
  if (!disk.is_mounted()) GTEST_SKIP() << "NOT TESTED: a tmpfs cannot be mounted here";
  const std::vector<std::string> mode{"train.steps=600", "checkpoint.every=3", "checkpoint.keep=2",
                                      "telemetry={every: 0, tensorboard: false}", "evaluate.every=0"};
  ASSERT_EQ(run_.pretrain("whole", mode).exit_code, 0);
  Program program(run_.command("disk/run", mode));
  ASSERT_TRUE(wait_until([&] { return has_lines(run_ / "disk/run/metrics.jsonl", 20); }));
  disk.fill();
  ASSERT_TRUE(wait_until([&] { return program.err().find("No space left") != std::string::npos; }));
  EXPECT_TRUE(program.is_running());
  disk.free();
  const Finished finished = program.wait();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("the run goes on"));
  EXPECT_EQ(run_.weights("disk/run", 600), run_.weights("whole", 600));
  EXPECT_EQ(run_.lines("disk/run", "metrics.jsonl"), run_.lines("whole", "metrics.jsonl"));

  // Full until the end: the last good checkpoint stays, and the exit code tells.
  Program other(run_.command("disk/other", mode));
  ASSERT_TRUE(wait_until([&] { return has_lines(run_ / "disk/other/metrics.jsonl", 20); }));
  disk.fill();
  const Finished failed = other.wait();
  EXPECT_EQ(failed.exit_code, kFailed) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("error: "));
  ASSERT_FALSE(run_.steps("disk/other").empty());
  EXPECT_EQ(run_strata({"inspect", run_.checkpoint("disk/other", run_.steps("disk/other").back())}).exit_code, 0);
  disk.free();
  ASSERT_EQ(run_.pretrain("disk/other", mode).exit_code, 0);
  EXPECT_EQ(run_.weights("disk/other", 600), run_.weights("whole", 600));
}

}  // namespace
}  // namespace strata::test
