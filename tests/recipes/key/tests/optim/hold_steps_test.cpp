// schedule.hold_steps: the rate stays at the peak for so many steps after the warm-up.
#include "strata/optim/schedule.h"

namespace strata::optim {
namespace {

using config::ScheduleKind;

TEST(HoldSteps, KeepThePeakBeforeTheRateFalls) {
  for (const ScheduleKind kind : {ScheduleKind::kCosine, ScheduleKind::kLinear}) {
    const Schedule schedule({.kind = kind, .warmup_steps = 4, .min_ratio = 0.1, .hold_steps = 6}, 2.0, 20);
    EXPECT_DOUBLE_EQ(schedule.rate(3), 2.0);
    EXPECT_DOUBLE_EQ(schedule.rate(10), 2.0);
    EXPECT_DOUBLE_EQ(schedule.rate(15), 2.0 * 0.55);  // half-way from step 10 to step 20
    EXPECT_DOUBLE_EQ(schedule.rate(20), 0.2);
  }
}

}  // namespace
}  // namespace strata::optim
