#include "strata/config/checks.h"

namespace strata::config {
namespace {

TEST(Checks, HoldAtTheirBoundsAndNameThem) {
  EXPECT_TRUE(at_least(2).holds(2));
  EXPECT_FALSE(at_least(2).holds(1));
  EXPECT_TRUE(at_most(2.5).holds(2.5));
  EXPECT_FALSE(at_most(2.5).holds(2.6));
  EXPECT_FALSE(greater_than(0).holds(0.0));
  EXPECT_TRUE(greater_than(0).holds(1e-300));
  EXPECT_TRUE(in_range(0, 1).holds(1.0));
  EXPECT_FALSE(in_range(0, 1).holds(1.5));
  EXPECT_EQ(in_range(0, 1).rule, "between 0 and 1");
}

TEST(Checks, OneOfTakesTextsAndNumbers) {
  EXPECT_TRUE(one_of("alpaca", "plain").holds(std::string("plain")));
  EXPECT_FALSE(one_of("alpaca", "plain").holds(std::string("plane")));
  EXPECT_TRUE(one_of(16, 32).holds(int64_t{32}));
  EXPECT_EQ(one_of(16, 32).rule, "one of 16, 32");
}

}  // namespace
}  // namespace strata::config
