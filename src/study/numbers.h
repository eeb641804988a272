#pragma once

#include <charconv>
#include <limits>
#include <optional>
#include <string>

namespace strata::study {

/// A number that is not there.
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The number that an override gives its key: of "optimizer.lr=1e-3".
inline std::optional<double> number_of_override(const std::string& override_text) {
  const std::string value = override_text.substr(override_text.find('=') + 1);
  double number = 0.0;
  const auto end = std::from_chars(value.data(), value.data() + value.size(), number);
  return end.ec == std::errc{} && end.ptr == value.data() + value.size() ? std::optional(number) : std::nullopt;
}

}  // namespace strata::study
