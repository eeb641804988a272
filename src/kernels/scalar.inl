// What kernel bodies compute with: scalars of the storage types, their conversions, and elementary functions.
// Written so that one text compiles for the CPU and, under nvcc, for the device.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#if defined(__CUDACC__)
#define STRATA_KFN __device__ inline
#define STRATA_HOST_KFN __host__ __device__ inline  // of use to those who launch too
#else
#define STRATA_HOST_KFN STRATA_KFN
#define STRATA_KFN inline __attribute__((always_inline))
#endif

namespace strata::kernels {

/// bfloat16 as stored. Same bits as c10::BFloat16; conversions are plain integer arithmetic, so loops vectorise.
struct Bf16 {
  uint16_t bits;
};

STRATA_KFN float widen(float value) { return value; }
STRATA_KFN float widen(Bf16 value) { return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16); }

template <class T>
STRATA_KFN T narrow(float value);

template <>
STRATA_KFN float narrow<float>(float value) {
  return value;
}

// Round to nearest even; a NaN keeps its upper bits and is made quiet.
template <>
STRATA_KFN Bf16 narrow<Bf16>(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
  const uint32_t kept = value == value ? rounded : (bits | 0x400000U);
  return Bf16{static_cast<uint16_t>(kept >> 16)};
}

/// `value` as it reads after being stored as T.
template <class T>
STRATA_KFN float rounded(float value) {
  return widen(narrow<T>(value));
}

/// exp within 2 ulp, 0 below -87; clamps are its only branches, so that loops over it vectorise and NaN stays NaN.
STRATA_KFN float exponential(float x) {
#if defined(__CUDA_ARCH__)
  return expf(x);
#else
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding and taking it away rounds to an integer
  const float limited = x > 89.0F ? 89.0F : x;
  const float clamped = limited < -87.3F ? -87.3F : limited;
  const float shifted = clamped * kLog2E + kRound;
  const float power = shifted - kRound;  // -126 to 128
  const float r = (clamped - power * kLn2High) - power * kLn2Low;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  // 2^(power - 1), from the integer in the low bits of `shifted`: its exponent field is 0, the number 0, for -126.
  const float half_scale = std::bit_cast<float>((std::bit_cast<uint32_t>(shifted) << 23) + (126U << 23));
  return (p + p) * half_scale;
#endif
}

STRATA_KFN float sigmoid(float x) { return 1.0F / (1.0F + exponential(-x)); }

STRATA_KFN float root(float x) { return sqrtf(x); }

/// tanh within 2 ulp, without branches as exponential() is.
STRATA_KFN float hyperbolic_tangent(float x) {
#if defined(__CUDA_ARCH__)
  return tanhf(x);
#else
  const float size = x < 0.0F ? -x : x;
  const float square = x * x;
  float p = -5.70498872745e-3F;
  p = p * square + 2.06390887954e-2F;
  p = p * square - 5.37397155531e-2F;
  p = p * square + 1.33314422036e-1F;
  p = p * square - 3.33332819422e-1F;
  const float near_zero = p * square * x + x;
  const float far = 1.0F - 2.0F / (exponential(2.0F * size) + 1.0F);
  const float signed_far = x < 0.0F ? -far : far;
  return size < 0.625F ? near_zero : signed_far;
#endif
}

/// erf within 2 ulp, in the same way.
STRATA_KFN float error_function(float x) {
#if defined(__CUDA_ARCH__)
  return erff(x);
#else
  const float size = x < 0.0F ? -x : x;
  const float square = x * x;
  float p = -5.96761703e-4F;
  p = p * square + 4.99119423e-3F;
  p = p * square - 2.67681349e-2F;
  p = p * square + 1.12819925e-1F;
  p = p * square - 3.76125336e-1F;
  p = p * square + 1.28379166e-1F;
  const float near_zero = p * x + x;
  const float limited = size > 4.0F ? 4.0F : size;  // where it is 1
  float q = -1.72853470e-5F * limited + 3.83197126e-4F;
  q = q * (limited * limited) + (-3.88396438e-3F * limited + 2.42546219e-2F);
  q = q * limited - 1.06777877e-1F;
  q = q * limited - 6.34846687e-1F;
  q = q * limited - 1.28717512e-1F;
  q = q * limited - limited;
  const float far = 1.0F - exponential(q);
  const float signed_far = x < 0.0F ? -far : far;
  const float value = size < 0.927734375F ? near_zero : signed_far;
  return x == x ? value : x;
#endif
}

/// The slope of erf: 2 / sqrt(pi) exp(-x^2).
STRATA_KFN float error_slope(float x) { return 1.12837917F * exponential(-x * x); }

}  // namespace strata::kernels
