#pragma once

#include <cstdint>
#include <string_view>

namespace strata {

/// One step of splitmix64: a bijection of 64-bit numbers whose outputs look random.
constexpr uint64_t mix_bits(uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

/// A seed for the stream called `name`: streams of different names are independent of each other.
constexpr uint64_t derive_seed(uint64_t seed, std::string_view name) {
  uint64_t hash = mix_bits(seed);
  for (const char character : name) hash = mix_bits(hash ^ static_cast<unsigned char>(character));
  return hash;
}

}  // namespace strata
