#include "strata/train/checkpoint/retention.h"

namespace strata::train {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<int64_t> kSteps{10, 20, 30, 40, 50};
const std::map<int64_t, double> kLosses{{10, 3.0}, {20, 1.0}, {30, 2.0}, {40, 2.0}};

TEST(Retention, KeepsTheNewestMilestonesAndTheBest) {
  EXPECT_THAT(steps_to_remove({.keep = 0}, kSteps, kLosses), IsEmpty());
  EXPECT_THAT(steps_to_remove({.keep = 2}, kSteps, kLosses), ElementsAre(10, 20, 30));
  EXPECT_THAT(steps_to_remove({.keep = 9}, kSteps, kLosses), IsEmpty());
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_every = 20}, kSteps, kLosses), ElementsAre(10, 30));
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_best = 1}, kSteps, kLosses), ElementsAre(10, 30, 40));
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_best = 2}, kSteps, kLosses), ElementsAre(10, 40));
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_best = 9}, kSteps, kLosses), IsEmpty());
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_best = 9}, kSteps, {}), ElementsAre(10, 20, 30, 40));
}

}  // namespace
}  // namespace strata::train
