#include "strata/base/text.h"

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
}

}  // namespace
}  // namespace strata
