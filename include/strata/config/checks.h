#pragma once

#include <cstdint>
#include <string>

#include "strata/base/check.h"

/// What a config value must satisfy. Any number of checks may follow the help text in a section's fields().
namespace strata::config {

template <class Holds>
struct Check {
  Holds holds;       // bool(const T& value)
  std::string rule;  // completes "must be ..."
};

auto at_least(auto bound) {
  return Check{[=](const auto& value) { return value >= bound; }, str("at least ", bound)};
}

auto at_most(auto bound) {
  return Check{[=](const auto& value) { return value <= bound; }, str("at most ", bound)};
}

auto greater_than(auto bound) {
  return Check{[=](const auto& value) { return value > bound; }, str("greater than ", bound)};
}

/// Both ends belong to the range.
auto in_range(auto low, auto high) {
  return Check{[=](const auto& value) { return value >= low && value <= high; }, str("between ", low, " and ", high)};
}

/// The upper end does not belong to the range.
auto in_range_below(auto low, auto high) {
  return Check{[=](const auto& value) { return value >= low && value < high; },
               str("at least ", low, " and less than ", high)};
}

/// For strings and integers; a set of names that the code branches on is an enum instead.
auto one_of(auto first, auto... others) {
  std::string rule = str("one of ", first);
  ((rule += str(", ", others)), ...);
  return Check{[=](const auto& value) { return value == first || ((value == others) || ...); }, rule};
}

/// Beside the numbers of an integer key, a word. It stands for `value`, which the other checks need not let pass.
struct Word {
  std::string word;
  int64_t value;
  std::string rule = "or " + word;

  static bool holds(const auto&) { return true; }
};

}  // namespace strata::config
