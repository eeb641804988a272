// What the kinds of attention on the CPU have in common: heads copied into fp32 scratch, and blocks of queries.
//
// In names: t tokens of the row, d head dimension padded to whole vectors.
#pragma once

#include <algorithm>

#include "cpu_executor.h"
#include "scalar.inl"
#include "small_gemm.h"
#include "tensor_access.h"

namespace strata::kernels {

inline constexpr int64_t kBlock = 72;  // queries; a multiple of the tile's rows

inline int64_t padded(int64_t n) { return (n + kColumns - 1) / kColumns * kColumns; }

// The column range of one head in the rows [begin, begin + tokens) of a matrix.
template <class T>
struct HeadView {
  T* data;
  int64_t stride;
  int64_t tokens;
  int64_t head_dim;
};

template <class T>
void unpack(const HeadView<T>& head, float scale, float* out_td, int64_t d) {
  for (int64_t i = 0; i < head.tokens; ++i) {
    CpuExecutor{}.each(head.head_dim,
                       [&](int64_t j) { out_td[i * d + j] = scale * widen(head.data[i * head.stride + j]); });
    for (int64_t j = head.head_dim; j < d; ++j) out_td[i * d + j] = 0.0F;
  }
}

template <class T>
void unpack_transposed(const HeadView<T>& head, float* out_dt, int64_t t) {
  for (int64_t j = 0; j < head.head_dim; ++j) {
    for (int64_t i = 0; i < head.tokens; ++i) out_dt[j * t + i] = widen(head.data[i * head.stride + j]);
    for (int64_t i = head.tokens; i < t; ++i) out_dt[j * t + i] = 0.0F;
  }
}

template <class T>
void pack(const float* from_td, int64_t d, float scale, int64_t first, int64_t count, const HeadView<T>& head) {
  for (int64_t i = 0; i < count; ++i) {
    T* to = head.data + (first + i) * head.stride;
    CpuExecutor{}.each(head.head_dim, [&](int64_t j) { to[j] = narrow<T>(scale * from_td[i * d + j]); });
  }
}

// Scores to probabilities, zero behind the causal edge; the log of the denominator comes back.
inline float softmax_row(float* scores, int64_t valid, int64_t width) {
  const CpuExecutor exec;
  const float highest = exec.max(valid, [&](int64_t j) { return scores[j]; });
  const float total = exec.sum<1>(valid, [&](int64_t j) {
    scores[j] = exponential(scores[j] - highest);
    return sums(scores[j]);
  })[0];
  const float inverse = 1.0F / total;
  exec.each(valid, [&](int64_t j) { scores[j] *= inverse; });
  for (int64_t j = valid; j < width; ++j) scores[j] = 0.0F;
  return highest + logf(total);
}

}  // namespace strata::kernels
