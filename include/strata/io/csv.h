#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strata/io/lines.h"

namespace strata::io {

struct CsvRow {
  int64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

/// Comma-separated values as in RFC 4180: quoted fields may hold commas, line breaks and doubled quotes, spaces count,
/// rows end in LF or CRLF. Empty lines are no rows. Throws Error "<source>:<line>: <reason>" for a quote that stands
/// where none may or is never closed.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source);

/// Streams the rows of such a file, of any size, with a separator of its own. Compressed files are decompressed
/// (byte_stream.h).
class CsvReader {
 public:
  /// No row may be longer than `longest` bytes.
  CsvReader(const std::filesystem::path& path, char separator, int64_t longest);
  ~CsvReader();

  /// Puts the next row into `row`; false at the end. Where a quote stands where none may, or is never closed, `problem`
  /// says so and `row.line` is the line of it; else it is empty. The row that is read next begins on the line behind.
  /// Throws Error, naming the file and the line, where the file cannot be read any further or a row is too long.
  bool next(CsvRow& row, std::string& problem);

  const std::filesystem::path& path() const { return lines_.path(); }

 private:
  class Parser;
  friend std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source);

  void read_line();
  void fail(std::string problem, int64_t line);

  LineReader lines_;
  char separator_;
  int64_t longest_;
  std::unique_ptr<Parser> parser_;
  std::string line_;
  int64_t row_bytes_ = 0;    // of the lines of the row that is being read
  std::deque<CsvRow> rows_;  // that were read and not given out
  std::string problem_;      // behind them
  int64_t problem_line_ = 0;
};

}  // namespace strata::io
