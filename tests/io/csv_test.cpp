#include "strata/io/csv.h"

#include <random>

#include "support/compress.h"
#include "support/errors.h"
#include "support/temp_folder.h"

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

// "line: fields" of each row, "line! problem" of what is none.
std::vector<std::string> streamed(const std::string& text, char separator = ',', int64_t longest = 1'000) {
  const test::TempFolder folder;
  test::write_file(folder / "f.csv", text);
  CsvReader reader(folder / "f.csv", separator, longest);
  std::vector<std::string> rows;
  CsvRow row;
  for (std::string problem; reader.next(row, problem);) {
    std::string said = str(row.line, problem.empty() ? ":" : "! " + problem);
    for (const std::string& field : row.fields) said += " [" + field + "]";
    rows.push_back(said);
  }
  return rows;
}

TEST(CsvReader, StreamsWhatParseCsvReads) {
  EXPECT_THAT(
      streamed("a, b \r\n\"x,\ny\",\"say \"\"hi\"\"\"\n\n\"two\r\nlines\",\nlast,\"one\""),
      testing::ElementsAre("1: [a] [ b ]", "2: [x,\ny] [say \"hi\"]", "5: [two\r\nlines] []", "7: [last] [one]"));
  EXPECT_THAT(streamed("a\tb,c\n\"x\ty\"\t1\n", '\t'), testing::ElementsAre("1: [a] [b,c]", "2: [x\ty] [1]"));
  EXPECT_THAT(streamed("a,b\rc,\"\r\n\"\re"), testing::ElementsAre("1: [a] [b]", "1: [c] [\r\n]", "2: [e]"));
  EXPECT_TRUE(streamed("").empty());
  EXPECT_TRUE(streamed("\r\n\n").empty());
}

TEST(CsvReader, GoesOnBehindAFault) {
  EXPECT_THAT(streamed("a,b\nc,d\"e\nf,\"g\nh\"i\nj,k\n"),
              testing::ElementsAre("1: [a] [b]", "2! a quote stands where none may", "4! a quote stands where none may",
                                   "5: [j] [k]"));
  EXPECT_THAT(streamed("a,b\n\nc,\"d\ne,f\n"), testing::ElementsAre("1: [a] [b]", "3! a quote is never closed"));
}

TEST(CsvReader, NoRowIsLongerThanAllowed) {
  EXPECT_EQ(streamed("\"" + std::string(97, 'x') + "\"", ',', 99).size(), 1U);
  for (const std::string& text : {std::string(200, 'x'), "a\n\"" + std::string(200, '\n') + "\"\n"}) {
    EXPECT_THAT(error_of([&] { streamed(text, ',', 99); }),
                testing::ContainsRegex("f.csv:[12]: .*longer than 99 bytes"));
  }
}

}  // namespace
}  // namespace strata::io
