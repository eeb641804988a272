#include "strata/workers/worker.h"

#include <thread>

#include "support/environment.h"
#include "support/errors.h"

namespace strata::workers {
namespace {

using testing::HasSubstr;

// An environment of nobody's workers.
class WorkerEnvironment : public testing::Test {
 protected:
  WorkerEnvironment() {
    for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
                             "TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_RESTART_COUNT", "SLURM_PROCID",
                             "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_TASKS_PER_NODE",
                             "SLURM_NTASKS_PER_NODE", "SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_JOB_ID"}) {
      environment_.unset(name);
    }
  }

  void set(const std::vector<std::pair<std::string, std::string>>& variables) {
    for (const auto& [name, value] : variables) environment_.set(name, value);
  }

  void set_torchrun() {
    set({{"RANK", "5"},
         {"WORLD_SIZE", "8"},
         {"LOCAL_RANK", "1"},
         {"LOCAL_WORLD_SIZE", "4"},
         {"MASTER_ADDR", "localhost"},
         {"MASTER_PORT", "29500"}});
  }

  void set_slurm() {
    set({{"SLURM_PROCID", "6"},
         {"SLURM_NTASKS", "8"},
         {"SLURM_LOCALID", "2"},
         {"SLURM_NODEID", "1"},
         {"SLURM_TASKS_PER_NODE", "4(x2)"},
         {"SLURM_JOB_NODELIST", "node[03-05,9]"},
         {"SLURM_JOB_ID", "123456"}});
  }

  // What is said where one variable has this value ("": is not set).
  std::string error_with(const std::string& name, const std::string& value) {
    test::Environment one;
    value.empty() ? one.unset(name) : one.set(name, value);
    return test::error_of([] { worker_of_environment(); });
  }

  test::Environment environment_;
};

TEST_F(WorkerEnvironment, IsNobodysWhereNothingIsSet) {
  EXPECT_FALSE(worker_of_environment().has_value());
  set({{"MASTER_ADDR", "localhost"}, {"MASTER_PORT", "1"}, {"SLURM_NTASKS", "8"}});
  EXPECT_FALSE(worker_of_environment().has_value());
}

TEST_F(WorkerEnvironment, ReadsTorchrun) {
  set_torchrun();
  EXPECT_EQ(worker_of_environment(), (Worker{.rank = 5,
                                             .world_size = 8,
                                             .local_rank = 1,
                                             .local_world_size = 4,
                                             .master_host = "localhost",
                                             .master_port = 29500}));
}

TEST_F(WorkerEnvironment, ReadsTorchrunsAgent) {
  set_torchrun();
  set({{"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"TORCHELASTIC_RESTART_COUNT", "3"}});
  EXPECT_TRUE(worker_of_environment()->launcher_serves);
  EXPECT_EQ(worker_of_environment()->attempt, 3);
  set({{"TORCHELASTIC_USE_AGENT_STORE", "False"}});
  EXPECT_FALSE(worker_of_environment()->launcher_serves);
}

TEST_F(WorkerEnvironment, NamesWhatIsMissingOfTorchrun) {
  set_torchrun();
  EXPECT_EQ(error_with("WORLD_SIZE", ""), "environment: RANK is set, but WORLD_SIZE is not");
  EXPECT_EQ(error_with("RANK", ""), "environment: WORLD_SIZE is set, but RANK is not");
  for (const char* name : {"LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
    EXPECT_EQ(error_with(name, ""), str("environment: RANK is set, but ", name, " is not"));
  }
}

TEST_F(WorkerEnvironment, NamesNumbersOfTorchrunThatMakeNoSense) {
  set_torchrun();
  EXPECT_EQ(error_with("RANK", "8"), "environment: RANK=8 is not a number from 0 to 7");
  EXPECT_EQ(error_with("RANK", "1x"), "environment: RANK=1x is not a number from 0 to 7");
  EXPECT_EQ(error_with("LOCAL_RANK", "-1"), "environment: LOCAL_RANK=-1 is not a number from 0 to 3");
  EXPECT_EQ(error_with("LOCAL_WORLD_SIZE", "9"), "environment: LOCAL_WORLD_SIZE=9 is not a number from 1 to 8");
  EXPECT_THAT(error_with("WORLD_SIZE", "0"), HasSubstr("WORLD_SIZE=0 is not a number from 1 to"));
  EXPECT_THAT(error_with("MASTER_PORT", "65536"), HasSubstr("MASTER_PORT=65536 is not a number from 1 to 65535"));
  EXPECT_THAT(error_with("TORCHELASTIC_RESTART_COUNT", "one"), HasSubstr("TORCHELASTIC_RESTART_COUNT=one"));
  EXPECT_THAT(error_with("TORCHELASTIC_USE_AGENT_STORE", "1"), HasSubstr("TORCHELASTIC_USE_AGENT_STORE=1"));
}

TEST_F(WorkerEnvironment, IsWrongUsageWhereItMakesNoSense) {
  set({{"RANK", "0"}});
  EXPECT_THROW(worker_of_environment(), UsageError);
}

TEST_F(WorkerEnvironment, ReadsSlurm) {
  set_slurm();
  EXPECT_EQ(worker_of_environment(), (Worker{.rank = 6,
                                             .world_size = 8,
                                             .local_rank = 2,
                                             .local_world_size = 4,
                                             .master_host = "node03",
                                             .master_port = 23456}));
}

TEST_F(WorkerEnvironment, TakesTorchrunsWordBeforeSlurms) {
  set_slurm();
  set_torchrun();
  EXPECT_EQ(worker_of_environment()->rank, 5);
  EXPECT_EQ(worker_of_environment()->master_port, 29500);
}

TEST_F(WorkerEnvironment, LetsTheMasterOfSlurmBeChosen) {
  set_slurm();
  set({{"MASTER_ADDR", "localhost"}, {"MASTER_PORT", "1234"}});
  EXPECT_EQ(worker_of_environment()->master_host, "localhost");
  EXPECT_EQ(worker_of_environment()->master_port, 1234);
}

TEST_F(WorkerEnvironment, IsAloneWhereSlurmHasOneTask) {
  set_slurm();
  set({{"SLURM_NTASKS", "1"}, {"SLURM_PROCID", "0"}});
  EXPECT_FALSE(worker_of_environment().has_value());
}

TEST_F(WorkerEnvironment, ReadsSlurmsListsOfHosts) {
  set_slurm();
  for (const auto& [list, first] : std::vector<std::pair<std::string, std::string>>{
           {"a,b", "a"},
           {"alone", "alone"},
           {"node-x[7]", "node-x7"},
           {"rack[1-2]n[004,7].local,z", "rack1n004.local"},
       }) {
    set({{"SLURM_JOB_NODELIST", list}});
    EXPECT_EQ(worker_of_environment()->master_host, first) << list;
  }
  set({{"SLURM_STEP_NODELIST", "node[05,9]"}});
  EXPECT_EQ(worker_of_environment()->master_host, "node05");
  EXPECT_EQ(error_with("SLURM_STEP_NODELIST", "node[03"),
            "environment: SLURM_STEP_NODELIST=node[03 is not a list of hosts");
}

TEST_F(WorkerEnvironment, ReadsSlurmsTasksPerNode) {
  set_slurm();
  const auto local_world_size = [&](const std::string& node, const std::string& list) {
    set({{"SLURM_NODEID", node}, {"SLURM_TASKS_PER_NODE", list}});
    return worker_of_environment()->local_world_size;
  };
  EXPECT_EQ(local_world_size("0", "8"), 8);
  EXPECT_EQ(local_world_size("1", "4(x2),3"), 4);
  EXPECT_EQ(local_world_size("2", "4(x2),3"), 3);
  EXPECT_EQ(local_world_size("3", "1,5(x3)"), 5);
  environment_.unset("SLURM_TASKS_PER_NODE");
  set({{"SLURM_NTASKS_PER_NODE", "7"}});
  EXPECT_EQ(worker_of_environment()->local_world_size, 7);
  EXPECT_EQ(error_with("SLURM_TASKS_PER_NODE", "4"),
            "environment: SLURM_TASKS_PER_NODE=4 says nothing of node SLURM_NODEID=3");
  EXPECT_THAT(error_with("SLURM_TASKS_PER_NODE", "4(x2"), HasSubstr("is not a list of tasks per node"));
  EXPECT_THAT(error_with("SLURM_TASKS_PER_NODE", "4(x3),"), HasSubstr("SLURM_TASKS_PER_NODE= is not a number"));
}

TEST_F(WorkerEnvironment, NamesWhatIsMissingOrMakesNoSenseOfSlurm) {
  set_slurm();
  for (const char* name : {"SLURM_NTASKS", "SLURM_LOCALID", "SLURM_JOB_NODELIST", "SLURM_JOB_ID"}) {
    EXPECT_EQ(error_with(name, ""), str("environment: SLURM_PROCID is set, but ", name, " is not"));
  }
  EXPECT_THAT(error_with("SLURM_TASKS_PER_NODE", ""), HasSubstr("but SLURM_NTASKS_PER_NODE is not"));
  EXPECT_THAT(error_with("SLURM_PROCID", "8"), HasSubstr("SLURM_PROCID=8 is not a number from 0 to 7"));
  EXPECT_THAT(error_with("SLURM_LOCALID", "4"), HasSubstr("SLURM_LOCALID=4 is not a number from 0 to 3"));
  EXPECT_THAT(error_with("SLURM_JOB_ID", "x"), HasSubstr("SLURM_JOB_ID=x is not a number"));
}

constexpr std::chrono::seconds kPatience{20};

TEST(Meet, LetsRankZeroServe) {
  uint16_t port = 0;
  { port = Store::serve(0).port(); }
  const Worker first{.world_size = 2, .master_host = "localhost", .master_port = port};
  Worker second = first;
  second.rank = 1;
  std::thread other([&] { meet(second, kPatience).set("key", "value"); });  // may come before the first
  const Store store = meet(first, kPatience);
  EXPECT_EQ(store.wait_for("key", kPatience), "value");
  other.join();
}

TEST(Meet, FindsTheLaunchersStoreAndItsAttempt) {
  const Store launcher = Store::serve(0);
  const Worker worker{.world_size = 2,
                      .master_host = "localhost",
                      .master_port = launcher.port(),
                      .launcher_serves = true,
                      .attempt = 2};
  meet(worker, kPatience).set("key", "value");
  EXPECT_EQ(launcher.find("/worker/attempt_2/key"), "value");
}

TEST(Meet, NamesTheAddressWhereNobodyServes) {
  uint16_t port = 0;
  { port = Store::serve(0).port(); }
  const Worker worker{.rank = 1, .world_size = 2, .master_host = "localhost", .master_port = port};
  EXPECT_THAT(test::error_of([&] { meet(worker, std::chrono::milliseconds(100)); }),
              HasSubstr("cannot reach the workers' store at localhost:" + std::to_string(port)));
}

}  // namespace
}  // namespace strata::workers
