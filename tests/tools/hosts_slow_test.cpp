// Workers on several hosts (network namespaces): a launcher on each, Gloo between them.
#include "strata/base/check.h"
#include "support/hosts.h"
#include "support/small_run.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;
using Words = std::vector<std::string>;

class SeveralHosts : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = Hosts::missing(); !missing.empty()) GTEST_SKIP() << "NOT TESTED: " << missing;
    const Finished alone = run_program(run_.command("alone", kShared));
    ASSERT_EQ(alone.exit_code, 0) << alone.err;
  }

  // `strata launch` on each host, with the run folder `run`.
  std::vector<std::unique_ptr<Program>> launch(const Hosts& hosts, int count, const std::string& run,
                                               const Words& flags, Words overrides) const {
    overrides.insert(overrides.end(), kShared.begin(), kShared.end());
    std::vector<std::unique_ptr<Program>> launchers;
    for (int host = 0; host < count; ++host) {
      Words words =
          strata_command({"launch", "--no-python", "--nproc-per-node=1", str("--nnodes=", count),
                          str("--node-rank=", host), "--master-addr=" + Hosts::address(0), "--master-port=29500"});
      words.insert(words.end(), flags.begin(), flags.end());
      for (const std::string& word : run_.command(run, overrides)) words.push_back(word);
      launchers.push_back(std::make_unique<Program>(hosts.on(host, words)));
    }
    return launchers;
  }

  void expect_same_as_alone(const std::string& run) const {
    EXPECT_EQ(run_.weights(run, 60), run_.weights("alone", 60));
    EXPECT_EQ(run_.lines(run, "metrics.jsonl"), run_.lines("alone", "metrics.jsonl"));
  }

  // Long enough for something to happen in its middle.
  const Words kShared{"train.steps=60", "train.global_batch=16", "train.micro_batch=2", "run.threads=1"};
  SmallRun run_;
};

TEST_F(SeveralHosts, EndWithTheBytesOfOne) {
  for (const int count : {2, 4}) {
    const Hosts hosts(count);
    const std::string run = str("hosts", count);
    for (const auto& launcher : launch(hosts, count, run, {}, {"parallel.zero=1"})) {
      const Finished finished = launcher->wait();
      EXPECT_EQ(finished.exit_code, 0) << finished.err;
    }
    expect_same_as_alone(run);
  }
}

TEST_F(SeveralHosts, SurviveACutLink) {
  const Hosts hosts(2);
  const auto launchers = launch(hosts, 2, "cut", {"--max-restarts=5", "--node-timeout=4", "--grace-seconds=4"},
                                {"parallel.timeout_seconds=4", "checkpoint.grace_seconds=2"});
  ASSERT_TRUE(wait_until([&] { return fs::exists(run_.checkpoint("cut", 4)) || !launchers[0]->is_running(); }));
  hosts.cut(1);
  EXPECT_TRUE(wait_until([&] { return launchers[0]->err().find("restart 1 of 5") != std::string::npos; }))
      << launchers[0]->err();
  hosts.mend(1);
  for (const auto& launcher : launchers) {
    const Finished finished = launcher->wait();
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
  }
  EXPECT_THAT(launchers[0]->err(), HasSubstr("resuming from"));
  EXPECT_THAT(launchers[0]->err(), ContainsRegex("node 1|no sign of life|lost a worker")) << "it is named";
  expect_same_as_alone("cut");
}

}  // namespace
}  // namespace strata::test
