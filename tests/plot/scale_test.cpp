#include "plot/scale.h"

#include <cmath>

namespace strata::plot {
namespace {

std::vector<std::string> labels(double low, double high, bool log = false, int about = 5) {
  Range range(log);
  range.add({low, high});
  std::vector<std::string> labels;
  for (const Tick& tick : Scale(range, {}).ticks(about)) labels.push_back(tick.label);
  return labels;
}

using testing::ElementsAre;

TEST(Scale, TicksAreAtRoundNumbers) {
  EXPECT_THAT(labels(0, 10), ElementsAre("0", "2", "4", "6", "8", "10"));
  EXPECT_THAT(labels(3.31, 3.52), ElementsAre("3.35", "3.40", "3.45", "3.50"));
  EXPECT_THAT(labels(-0.05, 0.03), ElementsAre("-0.04", "-0.02", "0", "0.02"));
}

// There is no layer 1.5.
TEST(Scale, CountsHaveWholeLabels) {
  Range range(false);
  range.add({0, 3});
  std::vector<std::string> labels;
  for (const Tick& tick : Scale(range, {.is_count = true}).ticks(6)) labels.push_back(tick.label);
  EXPECT_THAT(labels, ElementsAre("0", "1", "2", "3"));
}

TEST(Scale, LabelsAreShort) {
  EXPECT_THAT(labels(0, 2000), ElementsAre("0", "500", "1k", "1.5k", "2k"));
  EXPECT_THAT(labels(0, 9e9), ElementsAre("0", "2B", "4B", "6B", "8B"));
  EXPECT_THAT(labels(0, 6e-4, false, 3), ElementsAre("0", "2e-4", "4e-4", "6e-4"));
  EXPECT_THAT(labels(0, 4e18), ElementsAre("0", "1e18", "2e18", "3e18", "4e18"));
}

// One notation for all labels of an axis: 5e-4 beside 0.0010 would look like another size.
TEST(Scale, LabelsOfAnAxisAreAlike) {
  EXPECT_THAT(labels(0, 0.002, false, 4), ElementsAre("0", "0.0005", "0.0010", "0.0015", "0.0020"));
  EXPECT_THAT(labels_of({0.0366, -0.0006}), ElementsAre("0.0366", "-0.0006"));
}

TEST(Scale, LogarithmicTicksAreAtDecades) {
  EXPECT_THAT(labels(1e-4, 1, true), ElementsAre("1e-4", "0.001", "0.01", "0.1", "1"));
  EXPECT_THAT(labels(1e-3, 1e4, true), ElementsAre("0.01", "1", "100", "10k"));  // every other one
  EXPECT_THAT(labels(1, 100, true), ElementsAre("1", "2", "5", "10", "20", "50", "100"));
  EXPECT_THAT(labels(3.1, 3.9, true), ElementsAre("3.2", "3.4", "3.6", "3.8"));  // no decade in sight
  EXPECT_THAT(labels(1e13, 1e17, true), ElementsAre("1e13", "1e14", "1e15", "1e16", "1e17"));
}

// What neighbouring labels say differs, however far from 0 a narrow range lies.
TEST(Scale, LabelsDiffer) {
  for (const double low : {1.0, 999'990.0, 1e6, 1e-5, 123'456'789.0}) {
    const std::vector<std::string> all = labels(low, low * (1 + 2e-5));
    EXPECT_GE(all.size(), 2) << low;
    for (size_t i = 1; i < all.size(); ++i) EXPECT_NE(all[i - 1], all[i]) << low;
  }
}

TEST(Scale, PlacesNumbersBetweenItsPixels) {
  Range range(false);
  range.add({10, 30});
  Scale scale(range, {});
  scale.set_pixels(200, 0);
  EXPECT_EQ(scale(10), 200);
  EXPECT_EQ(scale(15), 150);
  EXPECT_EQ(scale.ends(), "10 30");

  Range decades(true);
  decades.add({1, 100, -5, 0, NAN, INFINITY});
  Scale log(decades, {});
  log.set_pixels(0, 100);
  EXPECT_NEAR(log(10), 50, 1e-9);
  EXPECT_FALSE(std::isfinite(log(0)));
}

// The axis may say where it ends, and a range of one number, or of none beyond such an end, is still a range.
TEST(Scale, HasTwoEndsWhateverItIsGiven) {
  Range one(false);
  one.add(3.0);
  const std::vector<Axis> axes{
      {}, {"", false, 3.0}, {"", false, {}, 3.0}, {"", false, 5.0}, {"", false, {}, 1.0}, {"", false, 0.0, 1.0}};
  for (const Axis& axis : axes) {
    Scale scale(one, axis);
    scale.set_pixels(0, 100);
    EXPECT_LT(scale(1.0), scale(1.5));
    EXPECT_TRUE(std::isfinite(scale(1.0)));
    EXPECT_GE(scale.ticks(5).size(), 2);
  }
  Scale fixed(one, {"", false, 0.0, 6.0}, 0.1);
  fixed.set_pixels(0, 100);
  EXPECT_EQ(fixed(3.0), 50);
}

}  // namespace
}  // namespace strata::plot
