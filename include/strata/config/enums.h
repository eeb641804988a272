#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace strata::config {

/// An enum that a config key can hold: `enum_names(E)` beside it lists the names in the order of the enumerators.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
  enum_names(value).size();
};

/// The name under which the config knows this value.
template <NamedEnum E>
constexpr std::string_view enum_name(E value) {
  return enum_names(value)[static_cast<size_t>(value)];
}

}  // namespace strata::config
