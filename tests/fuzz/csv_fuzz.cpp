// Streamed and read at once, CSV is the same rows.
#include "strata/io/csv.h"

#include "fuzz/target.h"
#include "strata/base/check.h"

namespace strata::fuzz {

void test_one(std::string_view input) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";  // of a byte order, which only a file may have
  if (input.starts_with(kMark)) return;
  put_file("a.csv", std::string(input));
  io::CsvReader reader("a.csv", ',', 1 << 20);
  std::vector<io::CsvRow> rows;
  io::CsvRow row;
  std::string problem;
  int64_t line = 0;
  bool is_whole = true;
  while (reader.next(row, problem)) {
    expect(row.line >= line && row.line > 0, "lines rise");
    line = row.line;
    if (problem.empty() && is_whole) rows.push_back(row);
    is_whole = is_whole && problem.empty();
  }
  try {
    const std::vector<io::CsvRow> whole = io::parse_csv(input, "a.csv");
    expect(is_whole && whole.size() == rows.size(), "rows are the same");
    for (size_t i = 0; i < rows.size(); ++i) {
      expect(rows[i].line == whole[i].line && rows[i].fields == whole[i].fields, "a row is the same");
    }
  } catch (const Error&) {
    expect(!is_whole, "what is refused at once is a problem of the stream");
  }
}

std::vector<std::string> seeds() {
  return {"a,b\r\n\"x,y\",\"say \"\"hi\"\"\"\n\n\"two\r\nlines\",\n,,\nlast,\"one\"", "a\"b\nc,\"d\"e\nf\n\"never",
          "a\rb\n\r\r\n\"\r\"", ""};
}

}  // namespace strata::fuzz
