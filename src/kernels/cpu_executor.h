// The CPU executor of the kernel bodies, and how rows are spread over threads.
#pragma once

#include <cstdint>

#include "lanes.inl"
#include "strata/base/threads.h"

namespace strata::kernels {

/// Runs a body over one row on the calling thread. Sums have a fixed shape: 16 lanes, then a tree.
struct CpuExecutor {
  static constexpr bool kLoops = true;  // over elements, which the compiler makes vectors of
  static constexpr int kLanes = 16;

  template <class F>
  void each(int64_t n, F&& f) const {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) f(i);
  }

  /// f(k, i) for each of `n` neighbours of `size` elements.
  template <class F>
  void each_of(int64_t n, int64_t size, F&& f) const {
    for (int64_t k = 0; k < n; ++k) each(size, [&](int64_t i) { f(k, i); });
  }

  /// What the row's threads wrote before, all of them may read behind it.
  void wait() const {}

  /// f(i) gives Sums<K>; it may also store to element i of arrays.
  template <int K, class F>
  Sums<K> sum(int64_t n, F&& f) const {
    float lanes[K][kLanes] = {};
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
#pragma GCC ivdep
#pragma GCC unroll 1
      for (int lane = 0; lane < kLanes; ++lane) {
        const Sums<K> terms = f(i + lane);
        for (int k = 0; k < K; ++k) lanes[k][lane] += terms[k];
      }
    }
    for (int lane = 0; i < n; ++i, ++lane) {
      const Sums<K> terms = f(i);
      for (int k = 0; k < K; ++k) lanes[k][lane] += terms[k];
    }
    Sums<K> total;
    for (int k = 0; k < K; ++k) {
      for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int lane = 0; lane < width; ++lane) lanes[k][lane] += lanes[k][lane + width];
      }
      total.value[k] = lanes[k][0];
    }
    return total;
  }

  template <class F>
  float max(int64_t n, F&& f) const {
    float lanes[kLanes];
    for (float& lane : lanes) lane = -__builtin_huge_valf();
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
#pragma GCC ivdep
#pragma GCC unroll 1
      for (int lane = 0; lane < kLanes; ++lane) {
        const float value = f(i + lane);
        lanes[lane] = value > lanes[lane] ? value : lanes[lane];
      }
    }
    for (; i < n; ++i) {
      const float value = f(i);
      lanes[0] = value > lanes[0] ? value : lanes[0];
    }
    float highest = lanes[0];
    for (const float lane : lanes) highest = lane > highest ? lane : highest;
    return highest;
  }

  /// True for the one thread of a row that writes its single results.
  bool leader() const { return true; }
};

/// f(row) for every row, contiguous ranges of at least `grain` rows a task.
template <class F>
void parallel_rows(int64_t rows, int64_t grain, F&& f) {
  parallel_ranges(rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) f(row);
  });
}

/// f(begin, count) for the ranges of a flat array that are a task each.
template <class F>
void parallel_parts(int64_t size, F&& f) {
  constexpr int64_t kRange = 16384;  // elements
  parallel_rows((size + kRange - 1) / kRange, 4, [&](int64_t range) {
    const int64_t begin = range * kRange;
    f(begin, size - begin < kRange ? size - begin : kRange);
  });
}

}  // namespace strata::kernels
