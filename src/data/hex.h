#pragma once

#include <cstdint>
#include <string>

namespace strata::data {

/// All 16 hexadecimal digits.
inline std::string hex(uint64_t value) {
  std::string digits(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

}  // namespace strata::data
