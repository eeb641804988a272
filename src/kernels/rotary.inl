// The body of the rotary embedding (RoFormer, arXiv 2104.09864) over heads of one token.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

struct Angles {
  const int32_t* positions;    // of the batch's tokens
  const float *cosine, *sine;  // [positions, half]
  int64_t half;                // of a head's elements
};

/// Neighbouring heads of a token; `to` may be `from`.
template <class T, class Exec>
STRATA_KFN void rotate_heads(Exec exec, T* to, const T* from, int64_t heads, const Angles& angles, int64_t token,
                             float sign) {
  const int64_t half = angles.half;
  const int64_t angle = static_cast<int64_t>(angles.positions[token]) * half;
  const float* const cosine = angles.cosine + angle;
  const float* const sine = angles.sine + angle;
  exec.each_of(heads, half, [&](int64_t head, auto j) {
    const int64_t at = head * 2 * half;
    const auto first = read(from + at, j);
    const auto second = read(from + at + half, j);
    const auto c = read(cosine, j);
    const auto s = read(sine, j);
    write(to + at, j, first * c - sign * second * s);
    write(to + at + half, j, second * c + sign * first * s);
  });
}

inline constexpr int kQkvParts = 3;  // queries, keys, values

/// Gradients of queries, keys and values, and the rows of all three that they become.
template <class T>
struct QkvGradientRows {
  struct Part {
    const T* from;
    int64_t stride;             // from token to token
    int64_t first_head, heads;  // in a row
  };
  T* rows;
  int64_t stride;
  Part part[kQkvParts];
  Angles angles;
};

/// Heads [head, head + count) of a part of a token's row: queries and keys rotated back, values as they are.
template <class T, class Exec>
STRATA_KFN void store_heads_rotated_back(Exec exec, const QkvGradientRows<T>& gradients, int part, int64_t token,
                                         int64_t head, int64_t count) {
  const int64_t dim = 2 * gradients.angles.half;
  const typename QkvGradientRows<T>::Part& of = gradients.part[part];
  T* const to = gradients.rows + token * gradients.stride + (of.first_head + head) * dim;
  const T* const from = of.from + token * of.stride + head * dim;
  if (part < kQkvParts - 1) {
    rotate_heads(exec, to, from, count, gradients.angles, token, -1.0F);
  } else if (from != to) {
    exec.each(count * dim, [&](auto i) { write(to, i, read(from, i)); });
  }
}

}  // namespace strata::kernels
