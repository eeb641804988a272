#include "strata/io/csv.h"

#include <csv.h>

#include <algorithm>

#include "strata/base/check.h"

namespace strata::io {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::string_view source) : text_(text), source_(source) {
    STRATA_CHECK(csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) == 0, "libcsv cannot start");
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });  // it would drop spaces around a field
  }
  ~Reader() { csv_free(&parser_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // libcsv counts no lines, so it is given one at a time.
  std::vector<CsvRow> read() {
    for (int64_t number = 1; !text_.empty(); ++number) {
      const size_t size = std::min(text_.find('\n'), text_.size() - 1) + 1;
      const std::string_view line = text_.substr(0, size);
      text_.remove_prefix(size);
      const bool is_blank = line.find_first_not_of("\r\n") == std::string_view::npos;
      if (!is_inside_row_ && is_blank) continue;
      if (!is_inside_row_) row_.line = number;
      is_inside_row_ = true;
      const size_t parsed = csv_parse(&parser_, line.data(), size, take_field, take_row, this);
      STRATA_CHECK(parsed == size, source_, ":", number, ": ", problem());
    }
    const bool is_whole = csv_fini(&parser_, take_field, take_row, this) == 0;
    STRATA_CHECK(is_whole, source_, ":", row_.line, ": a quote is never closed");
    return std::move(rows_);
  }

 private:
  static void take_field(void* bytes, size_t size, void* reader) {
    static_cast<Reader*>(reader)->row_.fields.emplace_back(static_cast<const char*>(bytes), size);
  }
  static void take_row(int, void* reader) { static_cast<Reader*>(reader)->end_row(); }

  void end_row() {
    rows_.push_back(std::move(row_));
    row_ = {.line = rows_.back().line, .fields = {}};
    is_inside_row_ = false;
  }

  std::string problem() {
    const int code = csv_error(&parser_);
    return code == CSV_EPARSE ? "a quote stands where none may" : csv_strerror(code);
  }

  std::string_view text_;  // what is left of it
  std::string_view source_;
  struct csv_parser parser_ = {};
  std::vector<CsvRow> rows_;
  CsvRow row_;  // that is being read
  bool is_inside_row_ = false;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source) { return Reader(text, source).read(); }

}  // namespace strata::io
