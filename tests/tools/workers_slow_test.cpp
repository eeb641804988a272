// Several workers from the command line: under `strata launch` and under the real torchrun, moved between numbers of
// workers, killed and started again. Each ends with the bytes of a run of one worker that was left alone.
#include <csignal>

#include "strata/base/check.h"
#include "support/places.h"
#include "support/small_run.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

void append(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

class Workers : public testing::Test {
 protected:
  // Eight micro-batches a step, so that up to eight workers can share them; one thread each, since a library's products
  // may depend on their number.
  Words command(const std::string& run, const Words& overrides = {}) const {
    Words words = run_.command(run, {"train.global_batch=16", "train.micro_batch=2", "run.threads=1"});
    append(words, overrides);
    return words;
  }

  static Words launch(const Words& flags, const Words& command) {
    Words words = strata_command({"launch", "--no-python"});
    append(words, flags);
    append(words, command);
    return words;
  }

  void expect_same_as_alone(const std::string& run) const {
    EXPECT_EQ(run_.weights(run, run_.steps(run).back()), run_.weights("alone", run_.steps("alone").back())) << run;
    for (const char* file : {"metrics.jsonl", "layers.jsonl", "eval.jsonl"}) {
      EXPECT_EQ(run_.lines(run, file), run_.lines("alone", file)) << run << "/" << file;
    }
  }

  // The run of one worker that nobody disturbs.
  void run_alone(const Words& overrides = {}) const {
    const Finished finished = run_program(command("alone", overrides));
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }

  // Starts the run, kills a worker of it after the checkpoint of step 4, and lets the launcher go on.
  void expect_survives_a_kill(const std::string& run, const Words& launched) const {
    Program program(launched);
    ASSERT_TRUE(wait_until([&] { return fs::exists(run_.checkpoint(run, 4)) || !program.is_running(); }));
    const pid_t victim = program.child_with("RANK=1");
    ASSERT_GT(victim, 0) << program.err();
    kill(victim, SIGKILL);
    const Finished finished = program.wait();
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err + finished.out, HasSubstr("resuming from"));
    expect_same_as_alone(run);
  }

  // Long enough for something to happen in its middle.
  const Words kLong{"train.steps=60"};
  SmallRun run_;
};

TEST_F(Workers, AnyNumberEndsWithTheSameBytes) {
  run_alone();
  for (const int64_t zero : {0, 1}) {
    const std::string run = str("moved", zero);
    const Words sharded{str("parallel.zero=", zero)};
    const auto go = [&](int workers, int64_t until) {
      Words words = command(run, sharded);
      if (until < 9) words.push_back(str("train.stop_after=", until));
      const Finished finished = run_program(launch({"--nproc-per-node", std::to_string(workers)}, words));
      EXPECT_EQ(finished.exit_code, 0) << finished.err;
    };
    go(2, 2);
    go(4, 5);
    EXPECT_TRUE(fs::exists(run_.checkpoint(run, 5) / "optimizer-4-of-4.safetensors"));
    go(1, 7);
    go(8, 9);
    expect_same_as_alone(run);
  }
}

TEST_F(Workers, AWorkerThatIsKilledIsStartedAgain) {
  run_alone(kLong);
  expect_survives_a_kill("launched",
                         launch({"--nproc-per-node", "2", "--max-restarts", "2"}, command("launched", kLong)));
}

TEST_F(Workers, RunUnderTorchrun) {
  const std::string torchrun = torch_folder() / "../../../../bin/torchrun";
  if (!fs::exists(torchrun) || run_program({torchrun, "--help"}).exit_code != 0) {
    GTEST_SKIP() << "NOT TESTED: " << torchrun << " cannot run here: scripts/install.sh --cuda installs what it needs";
  }
  run_alone(kLong);
  const auto under_torchrun = [&](const Words& flags, const Words& command) {
    Words words{torchrun, "--no-python", "--nproc-per-node", "2"};
    append(words, flags);
    append(words, command);
    return words;
  };
  const Finished finished = run_program(under_torchrun({"--standalone"}, command("whole", kLong)));
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  expect_same_as_alone("whole");
  expect_survives_a_kill("killed", under_torchrun({"--standalone", "--max-restarts=2", "--monitor-interval=0.1"},
                                                  command("killed", kLong)));
}

TEST_F(Workers, SaveWhenTheLauncherIsStopped) {
  const Words overrides{"train.steps=60", "checkpoint.every=100"};
  run_alone(overrides);
  Program program(launch({"--nproc-per-node", "2"}, command("stopped", overrides)));
  const fs::path metrics = run_ / "stopped/metrics.jsonl";
  ASSERT_TRUE(wait_until([&] { return (fs::exists(metrics) && !fs::is_empty(metrics)) || !program.is_running(); }));
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM) << program.err();
  EXPECT_EQ(run_.steps("stopped").size(), 1U);
  const Words sharded{overrides[0], overrides[1], "parallel.zero=1"};
  const Finished finished = run_program(launch({"--nproc-per-node", "4"}, command("stopped", sharded)));
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  expect_same_as_alone("stopped");
}

TEST_F(Workers, GraceEndsAStepThatTakesTooLong) {
  const Words slow{"train.global_batch=40000", "train.micro_batch=1", "checkpoint.grace_seconds=2"};
  Words words = run_.command("slow", slow);
  Program program(launch({"--nproc-per-node", "2"}, words));
  ASSERT_TRUE(wait_until([&] { return fs::exists(run_ / "slow/eval.jsonl") || !program.is_running(); }));
  std::this_thread::sleep_for(std::chrono::seconds(1));  // into the first step
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM) << program.err();
  EXPECT_THAT(run_.steps("slow"), ElementsAre(0));  // saved before the grace was over
}

TEST_F(Workers, AHungOneIsNamedAndStartedAgain) {
  run_alone(kLong);
  Words overrides = kLong;
  overrides.push_back("parallel.timeout_seconds=3");
  Program program(launch({"--nproc-per-node=2", "--max-restarts=5", "--grace-seconds=1"}, command("hung", overrides)));
  ASSERT_TRUE(wait_until([&] { return fs::exists(run_.checkpoint("hung", 4)) || !program.is_running(); }));
  const pid_t victim = program.child_with("RANK=1");
  ASSERT_GT(victim, 0) << program.err();
  kill(victim, SIGSTOP);
  const Finished finished = program.wait();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, ContainsRegex(str("\\[rank 0\\] error: rank 1 \\(.*pid ", victim, "\\): no sign of life")));
  expect_same_as_alone("hung");
}

TEST_F(Workers, OneWithAnotherConfigStopsTheRun) {
  const std::string script = "if [ $RANK = 1 ]; then set -- \"$@\" optimizer.lr=0.5; fi; exec \"$@\"";
  Words words{"/bin/sh", "-c", script, "sh"};
  append(words, command("mixed"));
  const Finished finished = run_program(launch({"--nproc-per-node=2", "--max-restarts=3"}, words));
  EXPECT_EQ(finished.exit_code, kWrongUsage);
  EXPECT_THAT(finished.err, ContainsRegex("optimizer.lr.*rank 1"));
  EXPECT_THAT(finished.err, Not(HasSubstr("restart 1"))) << "every attempt would fail alike";
  EXPECT_FALSE(fs::exists(run_ / "mixed"));
}

TEST_F(Workers, SayWhatDoesNotFit) {
  const Finished finished = run_program(launch({"--nproc-per-node", "3"}, command("three")));
  EXPECT_EQ(finished.exit_code, kWrongUsage);
  EXPECT_THAT(finished.err,
              HasSubstr("error: train.micro_batch=2 makes 8 micro-batches of train.global_batch=16, which 3 workers "
                        "cannot share; no size would: change train.global_batch"));
  EXPECT_FALSE(fs::exists(run_ / "three"));
}

}  // namespace
}  // namespace strata::test
