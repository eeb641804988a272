#include "strata/base/text.h"

#include <limits>

namespace strata {
namespace {

TEST(Text, SuggestsOnlyWhatCouldBeAMisspelling) {
  const std::vector<std::string> names{"sandwich", "pre", "post"};
  EXPECT_EQ(nearest_name("sandwhich", names), "sandwich");
  EXPECT_EQ(nearest_name("pr", names), "pre");
  EXPECT_EQ(nearest_name("transformer", names), std::nullopt);
}

// Swapping two letters is one mistake, not two: in a short name two would be too many.
TEST(Text, SwappedLettersAreOneMistake) {
  EXPECT_EQ(nearest_name("psot", {"pre", "post"}), "post");
  EXPECT_EQ(nearest_name("lsn", {"mix", "lns"}), "lns");
  EXPECT_EQ(nearest_name("sn", {"ns"}), "ns");
  EXPECT_EQ(nearest_name("nsl", {"lns"}), std::nullopt);  // a rotation is two
  EXPECT_EQ(nearest_name("", {"ab"}), std::nullopt);
}

TEST(Text, NumbersReadWell) {
  EXPECT_EQ(with_commas(70578688), "70,578,688");
  EXPECT_EQ(with_commas(-1000), "-1,000");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(human_bytes(1'940'000'000), "1.94 GB");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1500), "1.5 kB");
  EXPECT_EQ(significant(0.334914, 3), "0.335");
  EXPECT_EQ(significant(39.844, 3), "39.8");
  EXPECT_EQ(fixed(3.14159, 2), "3.14");
  EXPECT_EQ(scientific(0.00123, 2), "1.23e-03");
}

// A diverging run's perplexity has 300 digits.
TEST(Text, NumbersOfAnySizeAreWhole) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(fixed(1.5e300, 2), "1.50e+300");
  EXPECT_EQ(fixed(-1e15, 0), "-1e+15");
  EXPECT_EQ(fixed(999'999'999'999'999.0, 2), "999999999999999.00");
  EXPECT_EQ(fixed(0.1, 100).size(), 102U);
  EXPECT_EQ(significant(1.0 / 3.0, 80).size(), 56U);
  EXPECT_EQ(fixed(kInfinity, 2), "inf");
  EXPECT_EQ(fixed(-kInfinity, 2), "-inf");
  EXPECT_EQ(fixed(-std::numeric_limits<double>::quiet_NaN(), 2), "nan");
}

TEST(Text, SuggestionsDoNotMindCapitals) {
  EXPECT_EQ(nearest_name("adamW", {"adam", "adamw"}), "adamw");
  EXPECT_EQ(nearest_name("PRE", {"post", "pre"}), "pre");
}

TEST(Text, WhatTerminalsObeyIsMadeVisible) {
  EXPECT_EQ(visible("a\x1b[31mb\r\x07"), "a\\x1b[31mb\\x0d\\x07");
  EXPECT_EQ(visible("two\nlines\tand \x7f"), "two\nlines\tand \\x7f");
  EXPECT_EQ(visible("\xC2\x9B"
                    "31m"),
            "\\x9b31m");
  EXPECT_EQ(visible("größe α\xC2\xA0"), "größe α\xC2\xA0");
  EXPECT_EQ(columns_of("größe α"), 7U);
}

}  // namespace
}  // namespace strata
