// strata compare, sweep and report: what becomes of their runs, whatever happens to them.
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <random>
#include <thread>

#include "support/program.h"
#include "support/small_run.h"
#include "support/wait_until.h"

namespace strata {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRuns[] = {"pre-s1", "pre-s2", "sandwich+gpas-s1", "sandwich+gpas-s2"};

class Sweep : public testing::Test {
 protected:
  std::string folder(const std::string& name) const { return (small_ / name).string(); }

  std::vector<std::string> compare(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{
        "compare",  small_.config(),         "--schemes", "pre,sandwich+gpas", "--seeds", "2",
        "--output", folder("sweeps/" + name)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string table(const std::string& name) const {
    return test::read_file(small_ / ("sweeps/" + name) / "table.csv");
  }
  nlohmann::json record(const std::string& run) const {
    return nlohmann::json::parse(test::read_file(small_ / ("sweeps/" + run) / "run.json"));
  }

  test::SmallRun small_;
};

TEST_F(Sweep, EndsWithATableAVerdictAndAPage) {
  const test::Finished run = test::run_strata(compare("one"));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("runs 4 = arms 2 x seeds 2"), HasSubstr("sandwich+gpas is lower than pre by "),
                             HasSubstr("(4 of 4)"), HasSubstr("the page is ")));
  EXPECT_THAT(table("one"), HasSubstr("validation_loss,sandwich+gpas,,pre,2,2,0,0,"));
  EXPECT_THAT(test::read_file(small_ / "sweeps/one/report.html"),
              AllOf(HasSubstr("<svg"), HasSubstr("sandwich+gpas-s2")));
  EXPECT_EQ(record("one/runs/pre-s1").at("end").at("step"), 9);
  // Pairs share their rows and their start values: the first loss differs by what the scheme does alone.
  EXPECT_EQ(small_.lines("sweeps/one/runs/pre-s1", "metrics.jsonl")[0].at("targets"),
            small_.lines("sweeps/one/runs/sandwich+gpas-s1", "metrics.jsonl")[0].at("targets"));
  const test::Finished report =
      test::run_strata({"report", folder("sweeps/one"), "--output", folder("r.html"), "--svg", folder("svg")});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("sandwich+gpas is lower than pre by "));
  EXPECT_TRUE(fs::exists(small_ / "svg/validation_loss.svg"));
}

// Runs of any two folders, one of them still going on.
TEST_F(Sweep, ReportsOnAnyRuns) {
  EXPECT_EQ(small_.pretrain("a").exit_code, 0);
  EXPECT_EQ(small_.pretrain("b", {"norm.scheme=pre", "train.stop_after=5"}).exit_code, 0);
  const test::Finished report = test::run_strata({"report", folder("a"), folder("b"), "--output", folder("r.html")});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("pre: of 1 run 1 has not ended"));
  EXPECT_THAT(test::read_file(small_ / "r.html"), AllOf(HasSubstr("sandwich+gpas"), HasSubstr("step 5")));
  EXPECT_THAT(test::run_strata({"report", folder("nothing")}).err, HasSubstr("no such folder"));
  EXPECT_THAT(test::run_strata({"report", folder("a"), folder("a")}).err, HasSubstr("is the same run as"));
}

// The sweep itself or one of its runs, at any time, by signals that nobody can catch and by others.
TEST_F(Sweep, KilledAtAnyTimeEndsWithTheSameTable) {
  const std::string apart = "../apart/killed";  // beside the other its runs would be taken from there
  ASSERT_EQ(test::run_strata(compare("whole")).exit_code, 0);
  // Steps that checkpoints have kept, of all runs.
  const auto kept = [&] {
    int64_t sum = 0;
    for (const char* run : kRuns) {
      const std::vector<int64_t> steps = small_.steps("sweeps/" + apart + "/runs/" + run);
      sum += steps.empty() ? 0 : steps.back();
    }
    return sum;
  };
  std::mt19937 random(3);
  int kills = 0;
  for (int code = -1; code != 0; ++kills) {
    ASSERT_LT(kills, 60);
    const int64_t before = kept();
    test::Program sweep(test::strata_command(compare(apart)));
    // Each time it gets on, however busy the machine is.
    ASSERT_TRUE(test::wait_until([&] { return !sweep.is_running() || kept() > before; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 500));
    const pid_t run = kills % 3 == 0 ? sweep.child_with("OMP_NUM_THREADS=1") : -1;
    if (run > 0) {
      kill(run, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    const int signal = kills % 3 == 1 ? SIGTERM : SIGKILL;
    if (sweep.is_running()) sweep.send(signal);
    code = sweep.wait().exit_code;
    EXPECT_THAT(code, testing::AnyOf(0, 128 + signal));
  }
  EXPECT_GT(kills, 2);
  EXPECT_EQ(table(apart), table("whole"));
}

// As two hosts would: each run is made by one of them, and both come to the same table.
TEST_F(Sweep, IsSharedByQueuesThatKnowNothingOfEachOther) {
  test::Program one(test::strata_command(compare("shared", {"--jobs", "1"})));
  test::Program two(test::strata_command(compare("shared", {"--jobs", "1"})));
  EXPECT_EQ(one.wait().exit_code, 0);
  EXPECT_EQ(two.wait().exit_code, 0);
  for (const char* run : kRuns) {
    EXPECT_EQ(record(std::string("shared/runs/") + run).at("sessions").size(), 1) << run;
  }
  EXPECT_THAT(table("shared"), HasSubstr("validation_loss,pre,,pre,2,2,0,0,"));
}

// Another sweep finds the runs by their content, however it calls them.
TEST_F(Sweep, TakesRunsThatAreThere) {
  ASSERT_EQ(test::run_strata(compare("first")).exit_code, 0);
  const test::Finished again =
      test::run_strata({"compare", small_.config(), "run.dir=elsewhere", "--vary", "norm.scheme=sandwich+gpas,lns",
                        "--seeds", "2", "--output", folder("sweeps/second")});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("sandwich+gpas-s1 is there already"));
  EXPECT_TRUE(fs::is_symlink(small_ / "sweeps/second/runs/sandwich+gpas-s2"));
  EXPECT_FALSE(fs::is_symlink(small_ / "sweeps/second/runs/lns-s2"));
  fs::remove_all(small_ / "sweeps/first");  // what was linked to is made again
  EXPECT_EQ(test::run_strata({"compare", small_.config(), "--vary", "norm.scheme=sandwich+gpas,lns", "--seeds", "2",
                              "--output", folder("sweeps/second")})
                .exit_code,
            0);
  EXPECT_FALSE(fs::is_symlink(small_ / "sweeps/second/runs/sandwich+gpas-s2"));
}

TEST_F(Sweep, KeepsAndCountsWhatFails) {
  const std::vector<std::string> arguments{"compare",
                                           small_.config(),
                                           "schedule.warmup_steps=0",
                                           "train.clip.global=0",
                                           "--vary",
                                           "optimizer.lr=1e-3,1e30",
                                           "--seeds",
                                           "2",
                                           "--output",
                                           folder("sweeps/fails")};
  const test::Finished first = test::run_strata(arguments);
  EXPECT_EQ(first.exit_code, test::kFailed);
  EXPECT_THAT(first.err, HasSubstr("1e30-s1 has failed: error: "));
  EXPECT_THAT(first.out, HasSubstr("1e30: of 2 runs 2 failed"));
  EXPECT_THAT(table("fails"), HasSubstr("validation_loss,1e30,,1e-3,2,0,2,0,"));
  const test::Finished second = test::run_strata(arguments);  // not tried again
  EXPECT_EQ(second.exit_code, test::kFailed);
  EXPECT_THAT(second.err, HasSubstr("(--retry-failed)"));
  EXPECT_THAT(second.out, HasSubstr("all of it has ended already"));
}

// What lies there is never overwritten by something else, and a smaller table says what it leaves out.
TEST_F(Sweep, RefusesRunsOfAnotherConfig) {
  ASSERT_EQ(test::run_strata(compare("one")).exit_code, 0);
  const std::string asked = test::read_file(small_ / "sweeps/one/study.yaml");
  const test::Finished other = test::run_strata(compare("one", {"train.steps=12"}));
  EXPECT_EQ(other.exit_code, test::kWrongUsage);
  EXPECT_THAT(other.err, HasSubstr("pre-s1 was made with train.steps=9, and here it is 12"));
  EXPECT_EQ(test::run_strata(compare("one", {"train.steps=12", "--dry-run"})).exit_code, test::kWrongUsage);
  EXPECT_THAT(test::run_strata({"compare", small_.config(), "--schemes", "pre", "post"}).err,
              HasSubstr("\"post\": expected key.path=value; values of an option are joined by commas"));
  EXPECT_EQ(test::read_file(small_ / "sweeps/one/study.yaml"), asked);
  const test::Finished smaller = test::run_strata(
      {"compare", small_.config(), "--schemes", "pre,sandwich+gpas", "--seeds", "1", "--output", folder("sweeps/one")});
  EXPECT_EQ(smaller.exit_code, 0) << smaller.err;
  EXPECT_THAT(smaller.err, HasSubstr("has runs that this table leaves out: pre-s2 sandwich+gpas-s2"));
}

TEST_F(Sweep, TellsWithoutRunning) {
  const test::Finished dry = test::run_strata(compare("dry", {"--dry-run", "--tune", "optimizer.lr=1e-3,2e-3"}));
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_THAT(dry.out, AllOf(HasSubstr("runs 4 = arms 2 x seeds 2, and 4 to tune optimizer.lr"), HasSubstr("about ")));
  EXPECT_FALSE(fs::exists(small_ / "sweeps/dry"));
  EXPECT_THAT(
      test::run_strata({"compare", small_.config(), "--schemes", "pre,post", "--seeds", "3,5,9", "--dry-run"}).out,
      HasSubstr("runs 6 = arms 2 x seeds 3"));
  const test::Finished slurm = test::run_strata(compare("slurm", {"--slurm"}));
  EXPECT_EQ(slurm.exit_code, 0) << slurm.err;
  EXPECT_THAT(test::read_file(small_ / "sweeps/slurm/sweep.sbatch"),
              AllOf(HasSubstr("#SBATCH --array=1-4"), HasSubstr(" sweep "), HasSubstr("--jobs 1")));
  EXPECT_FALSE(fs::exists(small_ / "sweeps/slurm/runs"));
}

// Every arm at its own rate, found with other seeds.
TEST_F(Sweep, TunesEachArm) {
  const test::Finished run = test::run_strata(compare("tuned", {"--tune", "optimizer.lr=1e-5,1e-2"}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("pre runs with optimizer.lr=1e-2"), Not(HasSubstr("runs with optimizer.lr=1e-5"))));
  EXPECT_THAT(table("tuned"), HasSubstr("validation_loss,pre,optimizer.lr=1e-2,pre,2,2,0,0,"));
  EXPECT_EQ(record("tuned/runs/tune-pre-optimizer.lr=1e-5-s1001").at("end").at("step"), 9);
}

// The best is not taken for it as long as its neighbour is not known.
TEST_F(Sweep, TunesBeyondTheEndsOfALongList) {
  const std::vector<std::string> tuned = compare("beyond", {"--tune", "optimizer.lr=1e-6,1e-5,1e-4"});
  const test::Finished run = test::run_strata(tuned);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("pre: optimizer.lr=1e-4 lies at the end of what was tried; 0.001 is tried too"),
                             HasSubstr("optimizer.lr=0.01 lies at the end of what was tried; 0.1 is tried too")));
  EXPECT_EQ(record("beyond/runs/tune-pre-optimizer.lr=0.1-s1001").at("end").at("step"), 9);
  EXPECT_THAT(test::read_file(small_ / "sweeps/beyond/report.html"), HasSubstr("0.1"));
  // Nothing of it is made again.
  EXPECT_THAT(test::run_strata(tuned).out, HasSubstr("is tried too"));
  EXPECT_EQ(record("beyond/runs/tune-pre-optimizer.lr=0.1-s1001").at("sessions").size(), 1U);
}

}  // namespace
}  // namespace strata
