// Products of small matrices on one thread, fp32: what attention and the `tiles` GEMM are made of.
//
// Every element is one chain of fused multiply-adds over k, in order, whatever the shape around it.
#pragma once

#include <cstdint>

namespace strata::kernels {

#if defined(__AVX512F__)
inline constexpr int kVectorFloats = 16;
#else
inline constexpr int kVectorFloats = 8;
#endif
/// Columns must be padded to a multiple of this.
inline constexpr int kColumns = 16;
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 2;

/// A matrix whose element (m, k) is at data[m * row + k * column].
struct Strided {
  const float* data;
  int64_t row;
  int64_t column;
};

/// c[m, n] = sum over k of a[m, k] b[k, n], or += with kAdd. b and c have unit column stride and rows b_row and c_row
/// apart; n is a multiple of kColumns.
template <bool kAdd>
void small_gemm(int64_t m, int64_t n, int64_t k, Strided a, const float* b, int64_t b_row, float* c, int64_t c_row);

}  // namespace strata::kernels
