#include "strata/io/csv.h"

#include <random>

#include "support/errors.h"

namespace strata::io {
namespace {

using test::error_of;
using Fields = std::vector<std::string>;

TEST(Csv, FollowsRfc4180) {
  const auto rows =
      parse_csv("a, b ,c\r\n\"x,y\",\"say \"\"hi\"\"\",\n\n\"two\r\nlines\",\"\",z\n,,\nlast,\"one\"", "f");
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0].fields, (Fields{"a", " b ", "c"}));
  EXPECT_EQ(rows[1].fields, (Fields{"x,y", "say \"hi\"", ""}));
  EXPECT_EQ(rows[2].fields, (Fields{"two\r\nlines", "", "z"}));
  EXPECT_EQ(rows[3].fields, (Fields{"", "", ""}));
  EXPECT_EQ(rows[4].fields, (Fields{"last", "one"}));
  std::vector<int64_t> lines;
  for (const CsvRow& row : rows) lines.push_back(row.line);
  EXPECT_THAT(lines, testing::ElementsAre(1, 2, 4, 6, 7));
  EXPECT_TRUE(parse_csv("", "f").empty());
  EXPECT_TRUE(parse_csv("\r\n\n", "f").empty());
}

TEST(Csv, NamesTheLineOfAFault) {
  EXPECT_EQ(error_of([] { parse_csv("a,b\nc,d\"e\n", "f.csv"); }), "f.csv:2: a quote stands where none may");
  EXPECT_EQ(error_of([] { parse_csv("\"a\nb\"c,d\n", "f.csv"); }), "f.csv:2: a quote stands where none may");
  EXPECT_EQ(error_of([] { parse_csv("a,b\n\nc,\"d\ne\n\n", "f.csv"); }), "f.csv:3: a quote is never closed");
}

// What is written by the rules is read again, whatever is in it.
TEST(Csv, ReadsWhatWasWritten) {
  std::mt19937 random(7);
  const auto draw = [&](size_t below) { return random() % below; };
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<Fields> table(1 + draw(5));
    std::string text;
    for (Fields& fields : table) {
      fields.resize(2 + draw(4));
      for (std::string& field : fields) {
        for (auto i = draw(6); i > 0; --i) field += "ab ,\"\n\r\xc3"[draw(8)];
        std::string quoted = "\"";
        for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
        const bool needs_quotes = field.find_first_of(",\"\n\r") != field.npos || draw(3) == 0;
        text += (&field == fields.data() ? "" : ",") + (needs_quotes ? quoted + "\"" : field);
      }
      text += draw(2) == 0 ? "\n" : "\r\n";
    }
    std::vector<Fields> read;
    for (CsvRow& row : parse_csv(text, "f")) read.push_back(std::move(row.fields));
    EXPECT_EQ(read, table) << text;
  }
}

}  // namespace
}  // namespace strata::io
