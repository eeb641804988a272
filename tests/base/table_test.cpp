#include "strata/base/table.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(Table, LinesUpItsColumns) {
  Table table({{"name"}, {"count", Table::Align::kRight}, {"note"}});
  table.add({"embedding", "1", "x"});
  table.add({"head", "1,024", ""});
  EXPECT_EQ(table.text("  "),
            "  name        count   note\n"
            "  embedding       1   x\n"
            "  head        1,024\n");
}

// A remark in a short row must not push the other rows apart.
TEST(Table, LastCellOfAShortRowReachesOver) {
  Table table({{""}, {""}, {""}});
  table.add({"a", "b", "c"});
  table.add({"d", "a long remark"});
  EXPECT_EQ(table.text(), "a   b   c\nd   a long remark\n");
}

TEST(Table, AsMarkdown) {
  Table table({{"task"}, {"acc", Table::Align::kRight}});
  table.add({"piqa", "61.20"});
  table.add({"average"});
  table.add({"a|b"});
  EXPECT_EQ(table.markdown(), "| task | acc |\n| --- | ---: |\n| piqa | 61.20 |\n| average |  |\n| a\\|b |  |\n");
}

}  // namespace
}  // namespace strata
