// `strata launch` on several nodes: launchers beside each other on this host.
#include <csignal>

#include "strata/base/check.h"
#include "support/launching.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;

// A run of two nodes. Node 0 takes a free port and says which.
class LaunchNodes : public testing::Test {
 protected:
  static Words flags_of(int node, const std::string& port, const Words& flags) {
    Words all{"--nnodes=2", str("--node-rank=", node), "--master-addr=127.0.0.1", "--master-port=" + port,
              "--monitor-interval=0.02"};
    all.insert(all.end(), flags.begin(), flags.end());
    return all;
  }

  void start_first(const Words& flags, const std::string& script) {
    first_ = std::make_unique<Program>(launch_command(flags_of(0, "0", flags), script));
    const std::string mark = "serves 127.0.0.1:";
    ASSERT_TRUE(wait_until([&] { return first_->err().find("; waiting") != std::string::npos; })) << first_->err();
    port_ = std::to_string(std::stoi(first_->err().substr(first_->err().find(mark) + mark.size())));
  }
  std::unique_ptr<Program> join(const Words& flags, const std::string& script) const {
    return std::make_unique<Program>(launch_command(flags_of(1, port_, flags), script));
  }
  void start(const Words& flags, const std::string& script) {
    start_first(flags, script);
    second_ = join(flags, script);
  }
  void expect_ends(const std::vector<int>& codes) {
    const Finished first = first_->wait();
    EXPECT_EQ(first.exit_code, codes[0]) << first.err;
    if (codes.size() == 1) return;
    const Finished second = second_->wait();
    EXPECT_EQ(second.exit_code, codes[1]) << second.err;
  }

  const ReadyWorkers workers_;
  const TempFolder folder_;
  std::unique_ptr<Program> first_, second_;
  std::string port_;
};

TEST_F(LaunchNodes, RanksGoOnFromNodeToNode) {
  const std::string script =
      "echo $RANK/$WORLD_SIZE $LOCAL_RANK/$LOCAL_WORLD_SIZE $GROUP_RANK/$GROUP_WORLD_SIZE $MASTER_PORT";
  start_first({"--nproc-per-node=1"}, script);
  second_ = join({"--nproc-per-node=2"}, script);
  EXPECT_EQ(first_->wait().out, "0/3 0/1 0/2 " + port_ + "\n");
  Words lines = lines_of(second_->wait().out);
  std::ranges::sort(lines);
  EXPECT_THAT(lines, testing::ElementsAre("[rank 1] 1/3 0/2 1/2 " + port_, "[rank 2] 2/3 1/2 1/2 " + port_));
  expect_ends({0, 0});
}

TEST_F(LaunchNodes, AFailureAnywhereStartsAllAgain) {
  start({"--nproc-per-node=2", "--max-restarts=1"},
        "[ $TORCHELASTIC_RESTART_COUNT = 1 ] && { echo again; exit 0; }; " + workers_.ready() + "[ $RANK = 3 ] && { " +
            workers_.wait_for(0) + workers_.wait_for(1) + workers_.wait_for(2) + "exit 7; }; exec sleep 1000");
  expect_ends({0, 0});
  for (const auto* program : {first_.get(), second_.get()}) {
    EXPECT_EQ(lines_of(program->out()).size(), 2U);
    EXPECT_THAT(program->err(), ContainsRegex("warning: rank 3 .* exited with code 7; stopping"));
    EXPECT_THAT(program->err(), HasSubstr("restart 1 of 1"));
  }
  EXPECT_THAT(workers_.left(), IsEmpty());
}

TEST_F(LaunchNodes, AllEndWithTheFirstFailure) {
  start({},
        workers_.ready() + "[ $RANK = 1 ] && { " + workers_.wait_for(0) + "echo why >&2; exit 7; }; exec sleep 1000");
  expect_ends({7, 7});
  EXPECT_THAT(first_->err(), ContainsRegex("error: rank 1 .* exited with code 7"));
  EXPECT_THAT(first_->err(), HasSubstr("its last lines on stderr:\n  why\n"));
  EXPECT_THAT(workers_.left(), IsEmpty());
}

TEST_F(LaunchNodes, AStopOfOneStopsAll) {
  start({"--max-restarts=3"}, "trap 'echo saved; exit 143' TERM; " + workers_.ready() + "while :; do sleep 0.01; done");
  workers_.wait(2);
  second_->send(SIGTERM);
  expect_ends({143, 143});
  EXPECT_EQ(first_->out(), "saved\n");
  EXPECT_EQ(second_->out(), "[rank 1] saved\n");
}

TEST_F(LaunchNodes, ANodeThatIsLostIsNamedAndMayComeBack) {
  const Words flags{"--node-timeout=1", "--max-restarts=1"};
  const std::string script = workers_.ready() + "[ $TORCHELASTIC_RESTART_COUNT = 1 ] || exec sleep 1000";
  start(flags, script);
  workers_.wait(2);
  second_->send(SIGKILL);
  second_->wait();
  ASSERT_TRUE(wait_until([&] { return first_->err().find("restart 1 of 1") != std::string::npos; })) << first_->err();
  EXPECT_THAT(first_->err(), ContainsRegex("warning: node 1 \\(host .*\\) gives no sign of life for 1 s"));
  EXPECT_TRUE(wait_until([&] { return workers_.left().empty(); }));
  second_ = join(flags, script);
  expect_ends({0, 0});
}

TEST_F(LaunchNodes, ANodeThatIsStartedAgainTakesItsPlace) {
  const Words flags{"--max-restarts=1"};
  const std::string script = workers_.ready() + "[ $TORCHELASTIC_RESTART_COUNT = 1 ] || exec sleep 1000";
  start(flags, script);
  workers_.wait(2);
  second_->send(SIGKILL);
  second_->wait();
  second_ = join(flags, script);
  expect_ends({0, 0});
  EXPECT_THAT(first_->err(), HasSubstr(" was started again, or another node has the same --node-rank"));
}

TEST_F(LaunchNodes, ALostNodeEndsARunWithoutRestarts) {
  start({"--node-timeout=1"}, workers_.ready() + "exec sleep 1000");
  workers_.wait(2);
  second_->send(SIGKILL);
  expect_ends({kFailed});
  EXPECT_THAT(first_->err(), ContainsRegex("error: node 1 \\(host .*\\) gives no sign of life for 1 s"));
  EXPECT_TRUE(wait_until([&] { return workers_.left().empty(); }));
}

TEST_F(LaunchNodes, NodesThatDoNotComeAreNamed) {
  start_first({"--join-timeout=0.5"}, "true");
  expect_ends({kFailed});
  EXPECT_THAT(first_->err(), HasSubstr("waited for node 1 of 2 in vain for 0.5 s"));
}

TEST_F(LaunchNodes, WithoutNodeZeroWorkersStopAndTheLauncherGivesUp) {
  start({"--join-timeout=5", "--node-timeout=1"}, workers_.ready() + "exec sleep 1000");
  ASSERT_EQ(workers_.wait(2).size(), 2U);
  first_->send(SIGKILL);
  const Finished second = second_->wait();
  EXPECT_EQ(second.exit_code, kFailed);
  EXPECT_THAT(second.err, AllOf(HasSubstr("joining again, for at most 5 s"),
                                HasSubstr("error: cannot reach the workers' store at 127.0.0.1:" + port_)));
  EXPECT_TRUE(wait_until([&] { return workers_.left().empty(); }));
}

TEST_F(LaunchNodes, ANodeZeroThatComesBackIsJoined) {
  const std::string script = workers_.ready() + "[ -e " + (folder_ / "go").string() + " ] || exec sleep 1000";
  start({}, script);
  workers_.wait(2);
  first_->send(SIGKILL);
  first_->wait();
  write_file(folder_ / "go", "");
  first_ = std::make_unique<Program>(launch_command(flags_of(0, port_, {}), script));
  expect_ends({0, 0});
  EXPECT_THAT(second_->err(), HasSubstr("was started again; all begin anew"));
}

// As where a link is cut: nothing is refused, nothing answers.
TEST_F(LaunchNodes, ANodeZeroThatGivesNoAnswerIsLeftAndJoinedAgain) {
  const Words flags{"--max-restarts=1", "--node-timeout=1"};
  start(flags, workers_.ready() + "[ $TORCHELASTIC_RESTART_COUNT = 1 ] || exec sleep 1000");
  workers_.wait(2);
  first_->send(SIGSTOP);
  EXPECT_TRUE(wait_until([&] { return second_->err().find("; joining again") != std::string::npos; }));
  EXPECT_THAT(second_->err(), HasSubstr("gives no answer for 1 s; joining again"));
  EXPECT_TRUE(wait_until([&] { return workers_.left().size() == 1; }));  // that of node 0
  first_->send(SIGCONT);
  expect_ends({0, 0});
  EXPECT_THAT(first_->err(), HasSubstr("restart 1 of 1"));
}

TEST_F(LaunchNodes, AnotherNumberOfNodesIsRefused) {
  start_first({}, "true");
  Words flags = flags_of(1, port_, {});
  flags.front() = "--nnodes=3";
  const Finished other = launch(flags, "true");
  EXPECT_EQ(other.exit_code, kFailed);
  EXPECT_THAT(other.err, HasSubstr("error: --nnodes=3 here, but 2 at node 0"));
  second_ = join({}, "true");
  expect_ends({0, 0});
}

}  // namespace
}  // namespace strata::test
