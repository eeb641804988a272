// The body of the rotary embedding (RoFormer, arXiv 2104.09864) over one head of one token.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

/// `to` may be `from`.
template <class T, class Exec>
STRATA_KFN void rotate_head(Exec exec, T* to, const T* from, const float* cosine, const float* sine, int64_t half,
                            float sign) {
  exec.each(half, [&](auto j) {
    const auto first = read(from, j);
    const auto second = read(from + half, j);
    const auto c = read(cosine, j);
    const auto s = read(sine, j);
    write(to, j, first * c - sign * second * s);
    write(to + half, j, second * c + sign * first * s);
  });
}

/// Gradients of queries, keys and values that lie apart, and the rows of all three that they become.
template <class T>
struct QkvGradients {
  T* rows;
  int64_t stride;                // of rows, elements
  const T *query, *key, *value;  // [tokens, heads of its own, 2 half]
  int64_t heads, kv_heads, half;
  const int32_t* positions;
  const float *cosine, *sine;  // [positions, half]
};

/// Head number `head` of a token's row: queries and keys rotated back, values as they are.
template <class T, class Exec>
STRATA_KFN void store_head_rotated_back(Exec exec, const QkvGradients<T>& g, int64_t token, int64_t head) {
  const int64_t dim = 2 * g.half;
  T* to = g.rows + token * g.stride + head * dim;
  const int64_t key = head - g.heads;
  const int64_t value = key - g.kv_heads;
  if (value >= 0) {
    const T* from = g.value + (token * g.kv_heads + value) * dim;
    exec.each(g.half, [&](auto j) {
      write(to, j, read(from, j));
      write(to + g.half, j, read(from + g.half, j));
    });
    return;
  }
  const T* from = key >= 0 ? g.key + (token * g.kv_heads + key) * dim : g.query + (token * g.heads + head) * dim;
  const int64_t angle = static_cast<int64_t>(g.positions[token]) * g.half;
  rotate_head(exec, to, from, g.cosine + angle, g.sine + angle, g.half, -1.0F);
}

}  // namespace strata::kernels
