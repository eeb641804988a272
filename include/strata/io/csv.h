#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::io {

struct CsvRow {
  int64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

/// Comma-separated values as in RFC 4180: quoted fields may hold commas, line breaks and doubled quotes, spaces count,
/// rows end in LF or CRLF. Empty lines are no rows. Throws Error "<source>:<line>: <reason>" for a quote that stands
/// where none may or is never closed.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source);

}  // namespace strata::io
