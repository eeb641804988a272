#include "strata/io/csv.h"

#include <csv.h>

#include <algorithm>

#include "strata/base/check.h"

namespace strata::io {

// libcsv counts no lines, so it is given one at a time.
class CsvReader::Parser {
 public:
  /// Rows go to `rows`.
  Parser(char separator, std::deque<CsvRow>& rows) : rows_(rows) {
    constexpr size_t kGrowth = size_t{1} << 16;  // bytes, of a field that is longer than it was thought to be
    STRATA_CHECK(csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) == 0, "libcsv cannot start");
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_blk_size(&parser_, kGrowth);
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });  // it would drop spaces around a field
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  bool is_inside_row() const { return parser_.pstate != kBetweenRows; }
  int64_t first_line() const { return row_.line; }  // of the row that is being read

  /// `line`: with its line feed, if it has one. False where a quote stands where none may.
  bool feed(std::string_view line, int64_t number) {
    const bool is_blank = line.find_first_not_of("\r\n") == std::string_view::npos;
    if (!is_inside_row() && is_blank) return true;
    if (!is_inside_row()) row_.line = number;
    line_ = number;
    return csv_parse(&parser_, line.data(), line.size(), take_field, take_row, this) == line.size();
  }

  /// False where a quote was never closed.
  bool finish() { return csv_fini(&parser_, take_field, take_row, this) == 0; }

  std::string problem() const {
    const int code = csv_error(&parser_);
    return code == CSV_EPARSE ? "a quote stands where none may" : csv_strerror(code);
  }

 private:
  static constexpr int kBetweenRows = 0;  // of libcsv's states

  static void take_field(void* bytes, size_t size, void* parser) {
    static_cast<Parser*>(parser)->row_.fields.emplace_back(static_cast<const char*>(bytes), size);
  }
  static void take_row(int, void* parser) { static_cast<Parser*>(parser)->end_row(); }

  void end_row() {
    rows_.push_back(std::move(row_));
    row_ = {.line = line_, .fields = {}};  // behind a CR alone, which ends a row too, the next begins on the same line
  }

  mutable struct csv_parser parser_ = {};  // csv_error takes one that is not const
  std::deque<CsvRow>& rows_;
  CsvRow row_;  // that is being read
  int64_t line_ = 0;
};

CsvReader::CsvReader(const std::filesystem::path& path, char separator, int64_t longest)
    : lines_(path, longest),
      separator_(separator),
      longest_(longest),
      parser_(std::make_unique<Parser>(separator, rows_)) {}
CsvReader::~CsvReader() = default;

bool CsvReader::next(CsvRow& row, std::string& problem) {
  problem.clear();
  while (rows_.empty() && problem_.empty()) {
    if (lines_.next(line_)) {
      read_line();
    } else if (!parser_->is_inside_row()) {
      return false;
    } else if (!parser_->finish()) {
      fail("a quote is never closed", parser_->first_line());
    }
  }
  if (rows_.empty()) {
    row = {.line = problem_line_, .fields = {}};
    problem.swap(problem_);
    return true;
  }
  row = std::move(rows_.front());
  rows_.pop_front();
  return true;
}

void CsvReader::read_line() {
  if (lines_.had_line_feed()) line_.push_back('\n');
  row_bytes_ = (parser_->is_inside_row() ? row_bytes_ : 0) + std::ssize(line_);
  STRATA_CHECK(row_bytes_ <= longest_ + 1, lines_.path().string(), ":",
               parser_->is_inside_row() ? parser_->first_line() : lines_.line_number(), ": the row is longer than ",
               longest_, " bytes");
  if (!parser_->feed(line_, lines_.line_number())) fail(parser_->problem(), lines_.line_number());
}

void CsvReader::fail(std::string problem, int64_t line) {
  problem_ = std::move(problem);
  problem_line_ = line;
  parser_ = std::make_unique<Parser>(separator_, rows_);
}

std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source) {
  std::deque<CsvRow> rows;
  CsvReader::Parser parser(',', rows);
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    STRATA_CHECK(parser.feed(text.substr(0, size), number), source, ":", number, ": ", parser.problem());
    text.remove_prefix(size);
  }
  STRATA_CHECK(parser.finish(), source, ":", parser.first_line(), ": a quote is never closed");
  return {std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end())};
}

}  // namespace strata::io
