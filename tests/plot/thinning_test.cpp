#include "plot/thinning.h"

#include <cmath>

namespace strata::plot {
namespace {

TEST(Thinning, KeepsAllOfFew) { EXPECT_EQ(thinned({3, 1, 2}, 3), (std::vector<size_t>{0, 1, 2})); }

// A spike of one step is what one looks for, and the last number is what one reads.
TEST(Thinning, KeepsSpikesAndEnds) {
  std::vector<double> values(10'001, 1.0);
  values[5003] = 50.0;
  values[7777] = -50.0;
  const std::vector<size_t> kept = thinned(values, 400);
  EXPECT_LE(kept.size(), 402);
  EXPECT_TRUE(std::ranges::is_sorted(kept));
  EXPECT_EQ(kept.front(), 0);
  EXPECT_EQ(kept.back(), 10'000);
  for (const size_t spike : {5003, 7777}) EXPECT_TRUE(std::ranges::binary_search(kept, spike));
}

TEST(Thinning, KeepsGaps) {
  std::vector<double> values(1000, 1.0);
  values[500] = NAN;
  EXPECT_TRUE(std::ranges::binary_search(thinned(values, 100), 500));
  EXPECT_LE(thinned(std::vector<double>(1000, NAN), 100).size(), 102);
}

TEST(Thinning, GroupsNeighbours) {
  EXPECT_EQ(grouped(4, 10), (std::vector<size_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(grouped(7, 3), (std::vector<size_t>{0, 3, 6, 7}));
  EXPECT_EQ(grouped(0, 3), (std::vector<size_t>{0}));
}

}  // namespace
}  // namespace strata::plot
