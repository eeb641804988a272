// `strata plan`: what it says of shipped configs, for people.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/places.h"
#include "support/program.h"

namespace strata::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string shipped(const std::string& size) { return source_folder() / "configs/pretrain" / (size + ".yaml"); }

std::string plan(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "plan");
  const Finished finished = run_strata(arguments);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return finished.out;
}

TEST(Plan, SaysWhatGpusAndTheirHostWillHold) {
  const std::string report = plan({shipped("350m"), "--gpus", "4", "--memory", "80GB", "norm.scheme=pre+gpas"});
  EXPECT_THAT(report,
              AllOf(HasSubstr("pre+gpas, 367,969,304 parameters, mixed, on 4 GPUs"),
                    ContainsRegex("\n  parameters +1,47[0-9,]+ +1.47 GB "),
                    ContainsRegex("\n  compute copy +[0-9,]+ +736.[0-9] MB "), ContainsRegex("\n    of a layer "),
                    ContainsRegex("\n  attention workspace "), ContainsRegex("\n  left to CUDA +2,000,000,000 "),
                    ContainsRegex("\n  checkpoint copy +4,4")));
  EXPECT_THAT(report,
              AllOf(HasSubstr("what fits into 80.00 GB"), ContainsRegex("\n  none +[0-9.]+ GB +128 "),
                    HasSubstr("60,000 steps, 7,864,320,000 tokens"), HasSubstr("give --device for times, or --tflops"),
                    HasSubstr("4.42 GB each, 2 kept: 8.83 GB")));
}

TEST(Plan, TellsTimeFromAGivenRate) {
  const std::string report = plan({shipped("350m"), "--gpus", "8", "--tflops", "1000", "--utilisation", "0.5"});
  // 131,072 tokens of 2.053 GFLOP in a step.
  EXPECT_THAT(report,
              AllOf(ContainsRegex("\n  time +0.067[0-9]* s a step, "), HasSubstr("at 50 % of 8 x 1000 TFLOP/s")));
}

TEST(Plan, GivesALineToEachOfManyRuns) {
  const std::string lines =
      plan({shipped("7b"), shipped("1b"), "--gpus", "4,8", "--memory", "80GB", "--tflops", "989"});
  EXPECT_THAT(lines,
              AllOf(ContainsRegex("7b.yaml +4 +4 +layer +[0-9.]+ GB +yes, parallel.zero=1 parallel.virtual_ranks=4 "),
                    ContainsRegex("7b.yaml +8 +4 +layer +[0-9.]+ GB +yes, parallel.zero=1 "),
                    ContainsRegex("1b.yaml +8 +8 +none +[0-9.]+ GB +yes +64 +64 +64 +[0-9.]+ s +[0-9]+h ")));
  EXPECT_THAT(plan({shipped("71m"), "--gpus", "3,4"}), HasSubstr("which 3 workers cannot share"));
}

TEST(Plan, ChoosesWhatFitsWhereTheConfigLeavesItOpen) {
  const std::vector<std::string> open{shipped("350m"), "--gpus", "4", "train.recompute=auto", "train.micro_batch=128"};
  const auto with = [&](const std::string& memory) {
    std::vector<std::string> arguments = open;
    arguments.insert(arguments.end(), {"--memory", memory});
    return plan(arguments);
  };
  EXPECT_THAT(with("80GB"), HasSubstr("recompute none (auto)"));
  EXPECT_THAT(with("24.5GB"), HasSubstr("recompute ffn (auto)"));
  EXPECT_THAT(with("15000MB"), HasSubstr("recompute layer (auto)"));
}

TEST(Plan, MeasuresThisMachineWithoutGpus) {
  const std::string report = plan({source_folder() / "configs/model/9m.yaml", "run.gemm=aten"});
  EXPECT_THAT(report, AllOf(HasSubstr("fp32, on the processor of this machine"),
                            ContainsRegex("\n  program and libraries +[0-9,]+ "),
                            ContainsRegex("at 80 % of aten's [0-9]+ GFLOP/s"), Not(HasSubstr("of the host"))));
}

TEST(Plan, WrongUsageExitsWithTwo) {
  const std::vector<std::vector<std::string>> wrong{{"plan"},
                                                    {"plan", shipped("71m"), "--gpus", "0"},
                                                    {"plan", shipped("71m"), "--gpus", "3"},
                                                    {"plan", shipped("71m"), "--gpus", "2", "--memory", "80"},
                                                    {"plan", shipped("71m"), "--gpus", "2", "--utilisation", "1.5"},
                                                    {"plan", shipped("71m"), "train.micro_bach=2"}};
  for (const auto& command : wrong) {
    const Finished finished = run_strata(command);
    EXPECT_EQ(finished.exit_code, kWrongUsage) << testing::PrintToString(command);
    EXPECT_EQ(finished.out, "") << testing::PrintToString(command);
  }
}

}  // namespace
}  // namespace strata::test
