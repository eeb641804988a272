#include "small_gemm.h"

#include <cstring>

namespace strata::kernels {
namespace {

using Vector = float __attribute__((vector_size(kVectorFloats * sizeof(float))));

Vector load(const float* from) {
  Vector value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

void store(float* to, Vector value) { std::memcpy(to, &value, sizeof(value)); }

template <bool kAdd, int kRows, int kVectors>
void tile(int64_t k, Strided a, const float* b, int64_t b_row, float* c, int64_t c_row) {
  Vector sums[kRows][kVectors];
  for (int m = 0; m < kRows; ++m) {
    for (int v = 0; v < kVectors; ++v) sums[m][v] = kAdd ? load(c + m * c_row + v * kVectorFloats) : Vector{};
  }
  for (int64_t p = 0; p < k; ++p) {
    Vector columns[kVectors];
    for (int v = 0; v < kVectors; ++v) columns[v] = load(b + p * b_row + v * kVectorFloats);
    for (int m = 0; m < kRows; ++m) {
      const float factor = a.data[m * a.row + p * a.column];
      for (int v = 0; v < kVectors; ++v) sums[m][v] += factor * columns[v];
    }
  }
  for (int m = 0; m < kRows; ++m) {
    for (int v = 0; v < kVectors; ++v) store(c + m * c_row + v * kVectorFloats, sums[m][v]);
  }
}

template <bool kAdd, int kVectors, int kRows = kTileRows>
void tile_rows(int64_t rows, int64_t k, Strided a, const float* b, int64_t b_row, float* c, int64_t c_row) {
  if constexpr (kRows > 0) {
    if (rows < kRows) return tile_rows<kAdd, kVectors, kRows - 1>(rows, k, a, b, b_row, c, c_row);
    tile<kAdd, kRows, kVectors>(k, a, b, b_row, c, c_row);
  }
}

}  // namespace

template <bool kAdd>
void small_gemm(int64_t m, int64_t n, int64_t k, Strided a, const float* b, int64_t b_row, float* c, int64_t c_row) {
  constexpr int64_t kWide = kTileVectors * kVectorFloats;
  for (int64_t row = 0; row < m; row += kTileRows) {
    const Strided part{a.data + row * a.row, a.row, a.column};
    float* out = c + row * c_row;
    int64_t column = 0;
    for (; column + kWide <= n; column += kWide) {
      tile_rows<kAdd, kTileVectors>(m - row, k, part, b + column, b_row, out + column, c_row);
    }
    for (; column < n; column += kVectorFloats) {
      tile_rows<kAdd, 1>(m - row, k, part, b + column, b_row, out + column, c_row);
    }
  }
}

template void small_gemm<false>(int64_t, int64_t, int64_t, Strided, const float*, int64_t, float*, int64_t);
template void small_gemm<true>(int64_t, int64_t, int64_t, Strided, const float*, int64_t, float*, int64_t);

}  // namespace strata::kernels
