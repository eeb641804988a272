#include "strata/base/terminal.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(Terminal, WrapsLinesBelowTheirLastColumn) {
  EXPECT_EQ(wrapped("one two three four five six seven", 28), "one two three four five six\nseven");
  EXPECT_EQ(wrapped("  one two three four five six seven\n", 28), "  one two three four five\n  six seven\n");
  EXPECT_EQ(wrapped("key   3  what it means to him who reads it", 36),
            "key   3  what it means to him who\n         reads it");
  EXPECT_EQ(wrapped("  aWordThatIsAsLongAsThisOne, and others", 26), "  aWordThatIsAsLongAsThisOne,\n  and others");
  EXPECT_EQ(wrapped("γ γ γ γ γ γ γ γ γ γ γ γ γ", 25), "γ γ γ γ γ γ γ γ γ γ γ γ γ");
  EXPECT_EQ(wrapped("spaces at the end of a line  " + std::string(40, ' '), 30).find_last_not_of(' '), 26U);
  const std::string wide = "a table   of more columns   than there   is room for";
  EXPECT_EQ(wrapped(wide, 40), wide);
  EXPECT_EQ(wrapped(wide, std::string::npos), wide);
}

}  // namespace
}  // namespace strata
