// A product in parts, each for one thread: whose threads compute it is Strata's matter, not a library's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "scalar.inl"
#include "strata/base/integers.h"
#include "strata/base/threads.h"

namespace strata::kernels {

struct GemmPart {
  int64_t row, rows, column, columns;  // of the result
};

/// How many parts a result is cut into, down its rows and across its columns.
struct GemmGrid {
  int64_t down, across;
};

/// Two parts a thread where each is worth a start of its own, as nearly square as can be: every part reads its rows of
/// a and its columns of b.
inline GemmGrid gemm_grid(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kLeastProducts = 512 * 1024;  // of a part
  constexpr int64_t kLeastSide = 32;
  const int64_t threads = num_threads();
  const int64_t parts = threads == 1 ? 1 : std::clamp(m * n * k / kLeastProducts, int64_t{1}, 2 * threads);
  GemmGrid best{1, 1};
  int64_t least_read = std::numeric_limits<int64_t>::max();
  for (int64_t down = 1; down <= parts; ++down) {
    const GemmGrid grid{down, parts / down};
    const int64_t rows = m / grid.down;
    const int64_t columns = n / grid.across;
    const bool is_thin = (grid.down > 1 && rows < kLeastSide) || (grid.across > 1 && columns < kLeastSide);
    if (parts % down != 0 || is_thin || rows + columns >= least_read) continue;
    least_read = rows + columns;
    best = grid;
  }
  return best;
}

/// f(GemmPart) for all parts of an m x n result, on all threads.
template <class F>
void for_gemm_parts(int64_t m, int64_t n, int64_t k, const F& f) {
  constexpr int64_t kAligned = 16;
  const GemmGrid grid = gemm_grid(m, n, k);
  const int64_t rows = quotient_up(quotient_up(m, grid.down), kAligned) * kAligned;
  const int64_t columns = quotient_up(quotient_up(n, grid.across), kAligned) * kAligned;
  parallel_tasks(quotient_up(m, rows) * quotient_up(n, columns), [&](int64_t task) {
    const int64_t row = task % quotient_up(m, rows) * rows;
    const int64_t column = task / quotient_up(m, rows) * columns;
    f(GemmPart{row, std::min(rows, m - row), column, std::min(columns, n - column)});
  });
}

/// out = sums, or +=, n elements side by side.
template <class Out>
void store_sums(const float* sums, Out* out, int64_t n, bool add) {
  for (int64_t i = 0; i < n; ++i) out[i] = narrow<Out>((add ? widen(out[i]) : 0.0F) + sums[i]);
}

}  // namespace strata::kernels
