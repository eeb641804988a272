// `strata launch` and signals: what is passed on, what ends how, and that nothing outlives it.
#include <csignal>

#include "support/launching.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Workers that save and exit as `strata pretrain` does.
std::string saving(const ReadyWorkers& workers) {
  return "trap 'echo saved on TERM; exit 143' TERM; trap 'echo saved on INT; exit 130' INT; "
         "trap 'echo asked' USR1; " +
         workers.ready() + "while :; do sleep 0.01; done";
}

TEST(LaunchSignals, AStopIsPassedOnAndEndsWithTheWorkersCode) {
  for (const auto& [signal, line] : {std::pair(SIGTERM, "saved on TERM"), std::pair(SIGINT, "saved on INT")}) {
    const ReadyWorkers workers;
    Program program(launch_command({"--nproc-per-node=2", "--max-restarts=2"}, saving(workers)));
    workers.wait(2);
    program.send(signal);
    const Finished finished = program.wait();
    EXPECT_EQ(finished.exit_code, 128 + signal) << finished.err;
    Words lines = lines_of(finished.out);
    std::ranges::sort(lines);
    EXPECT_THAT(lines, testing::ElementsAre(std::string("[rank 1] ") + line, line));
    EXPECT_THAT(finished.err, Not(HasSubstr("restart")));
    EXPECT_THAT(finished.err, Not(HasSubstr("warning")));
    EXPECT_THAT(workers.left(), IsEmpty());
  }
}

TEST(LaunchSignals, AHangupStopsAsSigtermDoes) {
  const ReadyWorkers workers;
  Program program(launch_command({}, saving(workers)));
  workers.wait(1);
  program.send(SIGHUP);
  const Finished finished = program.wait();
  EXPECT_EQ(finished.exit_code, 128 + SIGTERM);
  EXPECT_EQ(finished.out, "saved on TERM\n");
}

TEST(LaunchSignals, AWorkerThatCannotSaveHasTheLastWord) {
  const ReadyWorkers workers;
  Program program(launch_command({"--nproc-per-node=2"}, "trap '[ $RANK = 1 ] && exit 1; exit 143' TERM; " +
                                                             workers.ready() + "while :; do sleep 0.01; done"));
  workers.wait(2);
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 1);
}

TEST(LaunchSignals, OneMoreSignalKills) {
  const ReadyWorkers workers;
  Program program(launch_command({}, "trap '' TERM; " + workers.ready() + "while :; do sleep 0.01; done"));
  workers.wait(1);
  EXPECT_TRUE(wait_until([&] {
    program.send(SIGTERM);
    return !program.is_running();
  }));
  EXPECT_EQ(program.wait().exit_code, 128 + SIGKILL);
  EXPECT_THAT(workers.left(), IsEmpty());
}

TEST(LaunchSignals, Sigusr1AsksEveryWorkerToSave) {
  const ReadyWorkers workers;
  Program program(launch_command({"--nproc-per-node=2"}, saving(workers)));
  workers.wait(2);
  program.send(SIGUSR1);
  EXPECT_TRUE(wait_until([&] { return lines_of(program.out()).size() == 2; })) << program.out();
  EXPECT_THAT(program.out(), HasSubstr("[rank 1] asked\n"));
  EXPECT_TRUE(program.is_running());
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM);
}

TEST(LaunchSignals, NoWorkerOutlivesAKilledLauncher) {
  const ReadyWorkers workers;
  Program program(launch_command({"--nproc-per-node=3"},
                                 "trap '' TERM INT HUP; " + workers.ready() + "while :; do sleep 0.01; done"));
  workers.wait(3);
  EXPECT_EQ(workers.left().size(), 3U);
  program.send(SIGKILL);
  program.wait();
  EXPECT_TRUE(wait_until([&] { return workers.left().empty(); }));
}

}  // namespace
}  // namespace strata::test
