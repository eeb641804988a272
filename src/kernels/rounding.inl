// Stochastic rounding: up or down by chance, the nearer the likelier, so that what is stored is right on average.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

/// Bits that look random: a pure function of the key, which may be any number, and the index. Murmur3's way of mixing,
/// in 32 bits so that loops vectorise, with Wellons' constants (triple32).
STRATA_KFN uint32_t random_bits(uint64_t key, uint64_t index) {
  uint32_t x = static_cast<uint32_t>(index) + static_cast<uint32_t>(key);
  x ^= x >> 17;
  x *= 0xED5AD4BBU;
  x ^= static_cast<uint32_t>(index >> 32) * 0x9E3779B9U + static_cast<uint32_t>(key >> 32);
  x ^= x >> 11;
  x *= 0xAC4C1B51U;
  x ^= x >> 15;
  x *= 0x31848BABU;
  return x ^ (x >> 14);
}

/// `value` as bf16, `bits` decide on which side. What is cut off is a number below 2^16; it carries into what stays as
/// often as it is above 16 random bits.
STRATA_KFN Bf16 narrow_by_chance(float value, uint32_t bits) {
  const uint32_t raw = std::bit_cast<uint32_t>(value);
  const uint32_t kept = value == value ? raw + (bits >> 16) : (raw | 0x400000U);
  return Bf16{static_cast<uint16_t>(kept >> 16)};
}

/// `value` as it reads after being stored as T by chance, at index i of a row whose first element is number `first`.
template <class T>
STRATA_KFN float rounded_by_chance(float value, uint64_t key, int64_t first, int64_t i) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return value;
  } else {
    return widen(narrow_by_chance(value, random_bits(key, static_cast<uint64_t>(first + i))));
  }
}
template <class T, int kCount>
STRATA_KFN Lanes<kCount> rounded_by_chance(const Lanes<kCount>& value, uint64_t key, int64_t first, At<kCount> i) {
  return each_lane<kCount>(
      [&](int lane) { return rounded_by_chance<T>(value.value[lane], key, first, int64_t{i.first} + lane); });
}

}  // namespace strata::kernels
