#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// The candidate that is most like `name`, capitals and small letters alike, if one is close enough to be a misspelling
/// of it.
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates);

/// `; did you mean "x"?` for the nearest candidate, or nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// 70578688 -> "70,578,688"
std::string with_commas(int64_t value);

/// Bytes in a unit that suits them, decimal: "1.94 GB", "512 B".
std::string human_bytes(int64_t bytes);

/// Fixed-point: (3.14159, 2) -> "3.14"; from 1e15 on as scientific() has it. Also "inf", "-inf" and "nan".
std::string fixed(double value, int digits);

/// (0.00123, 2) -> "1.23e-03"
std::string scientific(double value, int digits);

/// With so many significant digits: (0.334914, 3) -> "0.335"
std::string significant(double value, int digits);

/// "2d 4h", "3h 20m", "1m 5s", "7s"
std::string human_seconds(double seconds);

/// All 16 hexadecimal digits.
std::string hex(uint64_t value);

/// `text` with all that a terminal would obey made visible: "\x1b" for an escape. Line ends and tabs stay.
std::string visible(std::string_view text);

/// How many columns `text`, UTF-8, takes on a terminal, where every character takes one.
size_t columns_of(std::string_view text);

/// `text` with spaces behind (width > 0) or before (width < 0) it, so that columns line up.
std::string padded(std::string_view text, int width);

}  // namespace strata
