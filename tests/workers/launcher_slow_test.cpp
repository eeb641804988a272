// `strata launch` on one host, with small shell scripts as workers.
#include <sched.h>
#include <sys/stat.h>

#include <csignal>
#include <set>

#include "strata/base/check.h"
#include "strata/workers/store.h"
#include "support/launching.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST(Launch, WorkersSeeTorchrunsEnvironment) {
  const std::string script = "env | grep -E '^(RANK|WORLD_SIZE|MASTER_|LOCAL_|GROUP_|ROLE_|TORCHELASTIC_)' | sort";
  const Finished finished =
      launch({"--nproc-per-node", "2", "--max-restarts", "3", "--rdzv-id=my-run", "--local-ranks-filter=0"}, script);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, AllOf(StartsWith("GROUP_RANK=0\nGROUP_WORLD_SIZE=1\nLOCAL_RANK=0\nLOCAL_WORLD_SIZE=2\n"
                                             "MASTER_ADDR=127.0.0.1\nMASTER_PORT="),
                                  EndsWith("\nRANK=0\nROLE_NAME=default\nROLE_RANK=0\nROLE_WORLD_SIZE=2\n"
                                           "TORCHELASTIC_MAX_RESTARTS=3\nTORCHELASTIC_RESTART_COUNT=0\n"
                                           "TORCHELASTIC_RUN_ID=my-run\nTORCHELASTIC_USE_AGENT_STORE=True\n"
                                           "WORLD_SIZE=2\n")));
  EXPECT_EQ(lines_of(finished.out).size(), 15U);
  EXPECT_EQ(finished.err, "");
}

TEST(Launch, EachWorkerGetsItsShareOfTheCores) {
  cpu_set_t cores;
  ASSERT_EQ(sched_getaffinity(0, sizeof(cores), &cores), 0);
  const int count = CPU_COUNT(&cores);
  for (const int workers : {1, 2, count + 1}) {
    const Words flags{"--local-ranks-filter=0", str("--nproc-per-node=", workers)};
    const std::string script = "echo $OMP_NUM_THREADS";
    EXPECT_EQ(launch(flags, script, {"-u", "OMP_NUM_THREADS"}).out, str(std::max(1, count / workers), "\n"));
    EXPECT_EQ(launch(flags, script, {"OMP_NUM_THREADS=7"}).out, "7\n");
  }
}

TEST(Launch, FlagsComeFromTorchrunsVariablesToo) {
  const Finished finished = launch({"--max_restarts=4"}, "echo $RANK/$WORLD_SIZE $TORCHELASTIC_MAX_RESTARTS",
                                   {"PET_NPROC_PER_NODE=3", "PET_MAX_RESTARTS=2", "PET_NNODES=1:1"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  const Words lines = lines_of(finished.out);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()),
            (std::set<std::string>{"0/3 4", "[rank 1] 1/3 4", "[rank 2] 2/3 4"}));
}

TEST(Launch, RunsItsOwnCommands) {
  const TempFolder folder;
  write_file(folder / "tiny.yaml",
             "model: {vocab: 50, hidden: 16, intermediate: 24, layers: 3, heads: 2}\nrun: {gemm: aten}\n");
  for (const Words& lead : {Words{}, Words{"--"}}) {
    Words words{"launch", "--standalone"};
    words.insert(words.end(), lead.begin(), lead.end());
    words.insert(words.end(), {"inspect", folder / "tiny.yaml", "model.layers=2"});
    const Finished finished = run_strata(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.out, HasSubstr("layers: 2"));
  }
}

TEST(Launch, WrongUsageIsOneLine) {
  const auto expect_refused = [](const Words& words, const std::string& message) {
    Words all{"launch"};
    all.insert(all.end(), words.begin(), words.end());
    const Finished finished = run_strata(all);
    EXPECT_EQ(finished.exit_code, kWrongUsage) << message;
    EXPECT_THAT(finished.err, AllOf(StartsWith("error: "), HasSubstr(message)));
    EXPECT_EQ(lines_of(finished.err).size(), 1U) << finished.err;
  };
  expect_refused({}, "command is required");
  expect_refused({"pretrian", "x.yaml"}, "unknown command \"pretrian\"; did you mean \"pretrain\"?");
  expect_refused({"launch", "pretrain"}, "unknown command \"launch\"");
  expect_refused({"--no-python", "./nothing"}, "no program \"./nothing\"");
  expect_refused({"--nproc-per-nod", "2", "pretrain"}, "--nproc-per-nod");
  expect_refused({"--nproc_per_node=-2", "pretrain"}, "--nproc-per-node=-2");
  expect_refused({"--rdzv_conf", "timeout=3", "pretrain"}, "--rdzv_conf has no meaning here");
  expect_refused({"--nnodes=2", "pretrain"}, "needs --node-rank");
}

TEST(Launch, TheFirstFailureEndsAll) {
  const ReadyWorkers workers;
  const Finished finished =
      launch({"--nproc-per-node", "3"},
             workers.ready() + "if [ $RANK = 1 ]; then " + workers.wait_for(2) +
                 "for line in $(seq 12); do echo line $line >&2; done; exit 3; fi; exec sleep 1000");
  EXPECT_EQ(finished.exit_code, 3);
  EXPECT_THAT(finished.err,
              ContainsRegex("warning: rank 1 \\(local rank 1, pid [0-9]+, host .+\\) exited with code 3; stopping"));
  const std::string summary = finished.err.substr(finished.err.find("error: "));
  EXPECT_THAT(summary, ContainsRegex("error: rank 1 .* exited with code 3; it was the first to fail\n"));
  EXPECT_THAT(summary, AllOf(HasSubstr("its last lines on stderr:\n  line 3\n"), EndsWith("\n  line 12\n")));
  EXPECT_THAT(workers.left(), IsEmpty());
}

TEST(Launch, AWorkerThatIsKilledIsAFailure) {
  const Finished finished = launch({"--nproc-per-node=2"}, "[ $RANK = 0 ] && kill -9 $$; exec sleep 1000");
  EXPECT_EQ(finished.exit_code, 128 + SIGKILL);
  EXPECT_THAT(finished.err, HasSubstr("was killed by signal 9 (Killed)"));
}

// Rank 1 fails as soon as rank 0 is gone.
TEST(Launch, WhatFailsInConsequenceIsNotTheCause) {
  const TempFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const Finished finished = launch({"--nproc-per-node=2"}, "trap '' TERM; if [ $RANK = 0 ]; then exec 3> " + pipe +
                                                               "; kill -SEGV $$; fi; cat " + pipe + "; exit 9");
  EXPECT_EQ(finished.exit_code, 128 + SIGSEGV) << finished.err;
  EXPECT_THAT(finished.err, ContainsRegex("error: rank 0 .*Segmentation fault"));
}

TEST(Launch, AllStartAgainWhileRestartsAreLeft) {
  const std::string script =
      "echo attempt $TORCHELASTIC_RESTART_COUNT $MASTER_PORT; [ $TORCHELASTIC_RESTART_COUNT = 2 ] || exit 5";
  const Finished finished = launch({"--max-restarts", "3"}, script);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  const Words lines = lines_of(finished.out);
  ASSERT_EQ(lines.size(), 3U);
  const std::string port = lines[0].substr(lines[0].rfind(' '));
  for (size_t attempt = 0; attempt < 3; ++attempt) EXPECT_EQ(lines[attempt], str("attempt ", attempt, port));
  EXPECT_THAT(finished.err, AllOf(HasSubstr("restart 1 of 3"), HasSubstr("restart 2 of 3"), Not(HasSubstr("error"))));
  EXPECT_EQ(launch({"--max-restarts=1"}, script).exit_code, 5);
}

TEST(Launch, TheStoreOutlivesAnAttempt) {
  const ReadyWorkers workers;
  const TempFolder folder;
  const std::string go = folder / "go";
  Program program(launch_command({"--max-restarts", "1"},
                                 "echo $MASTER_PORT; " + workers.ready() +
                                     "[ $TORCHELASTIC_RESTART_COUNT = 1 ] && exec sleep 1000; while [ ! -e " + go +
                                     " ]; do sleep 0.01; done; exit 5"));
  workers.wait(1);
  ASSERT_TRUE(wait_until([&] { return program.out().ends_with('\n'); }));
  const auto port = static_cast<uint16_t>(std::stoi(program.out()));
  const workers::Store store = workers::Store::connect("127.0.0.1", port, workers::Store::Seconds(60));
  store.set("worker/attempt_0/key", "value");
  write_file(go, "");
  workers.wait(1, 1);
  EXPECT_EQ(store.find("worker/attempt_0/key"), "value");
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM);
}

TEST(Launch, APortThatIsTakenIsNamed) {
  const workers::Store taken = workers::Store::serve(0);
  const Finished finished = launch({str("--master-port=", taken.port())}, "true");
  EXPECT_EQ(finished.exit_code, kFailed);
  EXPECT_THAT(finished.err, StartsWith(str("error: cannot serve the workers' store at port ", taken.port())));
  EXPECT_EQ(lines_of(finished.err).size(), 1U);
}

TEST(Launch, WrongUsageIsNotTriedAgain) {
  const Finished finished = launch({"--max-restarts=3"}, "echo once; exit 2");
  EXPECT_EQ(finished.exit_code, kWrongUsage);
  EXPECT_EQ(finished.out, "once\n");
}

TEST(Launch, WhoDoesNotStopIsKilled) {
  const ReadyWorkers workers;
  const Finished finished = launch({"--nproc-per-node=2", "--grace-seconds=0.3"},
                                   "trap '' TERM; " + workers.ready() + "[ $RANK = 1 ] && { " + workers.wait_for(0) +
                                       "exit 4; }; while :; do sleep 0.05; done");
  EXPECT_EQ(finished.exit_code, 4);
  EXPECT_THAT(finished.err, HasSubstr("killing workers that did not stop within 0.3 s: 1"));
  EXPECT_THAT(workers.left(), IsEmpty());
}

// A program behind a script that does not wait for it has the time to save, too.
TEST(Launch, AProgramBehindAScriptMayStopToo) {
  const ReadyWorkers workers;
  const std::string inner = "trap \"sleep 0.3; echo saved; exit 143\" TERM; " + workers.ready();
  const TempFolder folder;
  write_file(folder / "inner", inner + "while :; do sleep 0.01; done");
  write_file(folder / "outer", "sh " + (folder / "inner").string() + "\necho never");
  Program program(launch_command({}, "exec bash " + (folder / "outer").string()));
  workers.wait(1);
  program.send(SIGTERM);
  const Finished finished = program.wait();
  EXPECT_EQ(finished.exit_code, 128 + SIGTERM) << finished.err;
  EXPECT_EQ(finished.out, "saved\n");
}

TEST(Launch, WhatAWorkerLeavesBehindIsEnded) {
  const ReadyWorkers workers;
  const Finished finished = launch({}, "sh -c '" + workers.ready() + "exec sleep 1000' & " + workers.wait_for(0));
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(workers.left(), IsEmpty());
}

}  // namespace
}  // namespace strata::test
