#include "strata/optim/schedule.h"

#include "strata/config/key_error.h"

namespace strata::optim {
namespace {

using config::ScheduleKind;

Schedule make(ScheduleKind kind, int64_t warmup, int64_t steps) {
  return {{.kind = kind, .warmup_steps = warmup, .min_ratio = 0.1}, 2.0, steps};
}

TEST(Schedule, WarmsUpToThePeakAndTheFirstUpdateMoves) {
  for (const ScheduleKind kind :
       {ScheduleKind::kCosine, ScheduleKind::kLinear, ScheduleKind::kConstant, ScheduleKind::kWsd}) {
    const Schedule schedule = make(kind, 4, 20);
    EXPECT_DOUBLE_EQ(schedule.rate(0), 0.5);
    EXPECT_DOUBLE_EQ(schedule.rate(3), 2.0);
    EXPECT_DOUBLE_EQ(schedule.rate(4), 2.0);
    EXPECT_EQ(schedule.updates(), 20);
  }
}

TEST(Schedule, DecaysToItsShare) {
  EXPECT_DOUBLE_EQ(make(ScheduleKind::kCosine, 4, 20).rate(12), 2.0 * (0.1 + 0.9 * 0.5));
  EXPECT_DOUBLE_EQ(make(ScheduleKind::kCosine, 4, 20).rate(20), 0.2);
  EXPECT_DOUBLE_EQ(make(ScheduleKind::kLinear, 4, 20).rate(12), 2.0 * 0.55);
  EXPECT_DOUBLE_EQ(make(ScheduleKind::kConstant, 4, 20).rate(19), 2.0);
  // wsd: the last tenth, here two steps
  EXPECT_DOUBLE_EQ(make(ScheduleKind::kWsd, 4, 20).rate(18), 2.0);
  EXPECT_DOUBLE_EQ(make(ScheduleKind::kWsd, 4, 20).rate(19), 2.0 * 0.55);
}

// What would shorten a decay that was asked for is told.
TEST(Schedule, WarmupAndDecayFit) {
  const auto wsd = [](int64_t warmup, int64_t decay, int64_t steps) {
    return Schedule({.kind = ScheduleKind::kWsd, .warmup_steps = warmup, .min_ratio = 0.1, .decay_steps = decay}, 2.0,
                    steps);
  };
  EXPECT_DOUBLE_EQ(wsd(3, 3, 6).rate(2), 2.0);
  EXPECT_THROW(wsd(3, 3, 5), config::KeyError);
  EXPECT_THROW(make(ScheduleKind::kCosine, 6, 5), config::KeyError);
}

// tests/golden/model/README.md has the formula; step 11 and 12 of a schedule of 10 begin a new cycle.
TEST(Schedule, ReferenceIsThePapersCode) {
  const Schedule schedule = make(ScheduleKind::kReference, 3, 10);
  EXPECT_EQ(schedule.updates(), 11);
  EXPECT_DOUBLE_EQ(schedule.rate(0), 0.0);
  EXPECT_DOUBLE_EQ(schedule.rate(1), 2.0 / 3.0);
  EXPECT_NEAR(schedule.rate(9) / 2.0, 0.144564, 1e-6);
  EXPECT_DOUBLE_EQ(schedule.rate(10), 2e-7);
}

// tests/golden2/README.md has the formula.
TEST(Schedule, WsdReferenceIsThatOfProRes) {
  const Schedule schedule({.kind = ScheduleKind::kWsdReference, .warmup_steps = 3, .decay_steps = 3}, 2.0, 11);
  EXPECT_EQ(schedule.updates(), 12);
  std::vector<double> rates;
  for (int64_t update = 0; update < 12; ++update) rates.push_back(schedule.rate(update));
  EXPECT_EQ(rates, (std::vector<double>{0.0, 2.0 * (1.0 / 3.0), 2.0 * (2.0 / 3.0), 2.0, 2.0, 2.0, 2.0, 2.0, 2.0,
                                        2.0 * (2.0 / 3.0), 2.0 * (1.0 / 3.0), 0.0}));
}

TEST(Schedule, RefusesAWarmUpThatNeverEnds) { EXPECT_THROW(make(ScheduleKind::kCosine, 21, 20), config::KeyError); }

}  // namespace
}  // namespace strata::optim
