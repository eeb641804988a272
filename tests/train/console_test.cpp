// The progress line of a run.
#include <chrono>
#include <thread>

#include "strata/train/hooks.h"

namespace strata::train {
namespace {

using testing::HasSubstr;

// Rate and remaining time go by what steps take, whatever passes between them.
TEST(Console, CountsTheTimeOfStepsOnly) {
  const auto hook = console({.last_step = 11, .peak_gflops = 1.0});
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // an evaluation
  StepReport report;
  report.step = 1;
  report.tokens = report.targets = 3000;
  report.seconds = 2.0;
  testing::internal::CaptureStdout();
  hook->after_step(report, {});
  EXPECT_THAT(testing::internal::GetCapturedStdout(), AllOf(HasSubstr("1,500 tokens/s"), HasSubstr("20s left")));
}

}  // namespace
}  // namespace strata::train
