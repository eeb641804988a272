// `strata launch`: where the lines of workers go.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <map>
#include <set>

#include "support/launching.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(LaunchOutput, LinesOfManyWorkersStayWhole) {
  const std::string script = "for i in $(seq 2000); do echo $RANK $RANK $RANK $RANK; done; printf last";
  const Finished finished = launch({"--nproc-per-node=3"}, script);
  EXPECT_EQ(finished.exit_code, 0);
  std::map<std::string, int> counts;
  for (const std::string& line : lines_of(finished.out)) ++counts[line];
  const std::map<std::string, int> expected{{"0 0 0 0", 2000},          {"last", 1},
                                            {"[rank 1] 1 1 1 1", 2000}, {"[rank 1] last", 1},
                                            {"[rank 2] 2 2 2 2", 2000}, {"[rank 2] last", 1}};
  EXPECT_EQ(counts, expected);
}

TEST(LaunchOutput, ProgressWithoutANewlineIsShownAtOnce) {
  const ReadyWorkers workers;
  Program program(launch_command({}, "printf 'half way\\r'; exec sleep 1000"));
  EXPECT_TRUE(wait_until([&] { return program.out() == "half way\r"; }));
  program.send(SIGTERM);
  program.wait();
}

TEST(LaunchOutput, FilesOfEachRankAndAttempt) {
  const TempFolder folder;
  const Finished finished =
      launch({"--nproc-per-node=2", "--max-restarts=1", "--log-dir", folder / "logs", "--redirects=1:3", "--tee=0:1"},
             "echo out $RANK; echo err $RANK >&2; [ $TORCHELASTIC_RESTART_COUNT = 1 ] || { trap '' TERM; exit 3; }");
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(read_file(folder / "logs/attempt_1/rank_0/stdout.log"), "out 0\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "logs/attempt_1/rank_0/stderr.log"));
  EXPECT_EQ(read_file(folder / "logs/attempt_1/rank_1/stdout.log"), "out 1\n");
  EXPECT_EQ(read_file(folder / "logs/attempt_1/rank_1/stderr.log"), "err 1\n");
  EXPECT_TRUE(std::filesystem::exists(folder / "logs/attempt_0/rank_0/stdout.log"));
  EXPECT_THAT(finished.out, EndsWith("out 0\n"));
  EXPECT_THAT(lines_of(finished.out), Each("out 0"));
  EXPECT_THAT(finished.err, HasSubstr("err 0\n"));
}

TEST(LaunchOutput, AFolderForLogsThatCannotBeIsNamed) {
  const TempFolder folder;
  write_file(folder / "file", "");
  const Finished finished = launch({"--log-dir", folder / "file"}, "true");
  EXPECT_EQ(finished.exit_code, kFailed);
  EXPECT_THAT(finished.err, StartsWith("error: node 0 "));
  EXPECT_THAT(finished.err, HasSubstr("--log-dir: cannot make " + (folder / "file/attempt_0/rank_0").string()));
  EXPECT_EQ(lines_of(finished.err).size(), 1U);
}

TEST(LaunchOutput, LocalRanksAreFiltered) {
  const Finished finished = launch({"--nproc-per-node=3", "--local-ranks-filter=0,2"}, "echo; echo $RANK >&2");
  const Words lines = lines_of(finished.err);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()), (std::set<std::string>{"0", "[rank 2] 2"}));
}

// A console that stands still (a pager) must not keep workers from being stopped.
TEST(LaunchOutput, AConsoleThatTakesNothingHoldsUpNoStop) {
  const ReadyWorkers workers;
  std::array<int, 2> pipe_ends = {};
  ASSERT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  const Words flags{"--grace-seconds=0.3"};
  const Words command = launch_command(flags, "trap '' TERM; " + workers.ready() + "yes; :");
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    execvp(words[0], words.data());
    _exit(127);
  }
  workers.wait(1);
  int status = 0;
  EXPECT_TRUE(wait_until([&] {
    kill(pid, SIGTERM);
    return waitpid(pid, &status, WNOHANG) == pid;
  }));
  EXPECT_THAT(workers.left(), testing::IsEmpty());
  for (const int end : pipe_ends) close(end);
}

}  // namespace
}  // namespace strata::test
