// The bodies of norms on queries, keys and values, and of the rotation behind them, over one group of a token's row: a
// head, or all heads of a kind.
#pragma once

#include "junction_norms.inl"
#include "rotary.inl"

namespace strata::kernels {

/// Tokens whose gradients of gains are summed one after another; the chunks' sums are then added in order.
inline constexpr int64_t kQkvChunk = 16;

constexpr int64_t qkv_chunks(int64_t tokens) { return (tokens + kQkvChunk - 1) / kQkvChunk; }

/// Queries, keys or values of a row, and what becomes of them: groups that a norm has for itself, or heads that are
/// only rotated.
template <class T>
struct QkvPart {
  int64_t column;      // in the row
  int64_t raw_column;  // in the row of what is kept
  int64_t sum_column;  // of the gain's gradient in a chunk's sums
  int64_t groups, width;
  const T* gain;  // nullptr: no norm
  bool is_rotated;
};

template <class T>
struct QkvNormRows {
  T* rows;
  int64_t stride;
  T* raw;  // nullptr: not kept
  int64_t raw_stride;
  float eps;
  int parts;  // the first so many are changed
  QkvPart<T> part[kQkvParts];
  int64_t sums_size;  // elements of a chunk's sums
  Angles angles;
};

template <class T, class Exec>
STRATA_KFN void normalise_group(Exec exec, T* x, T* raw, const QkvPart<T>& part, float eps) {
  const T* const gain = part.gain;
  const auto squares = exec.template sum<1>(part.width, [&](auto i) {
    const auto value = read(x, i);
    return sums(value * value);
  });
  const float rstd = reciprocal_rms(squares[0], part.width, eps);
  if (raw != nullptr) exec.each(part.width, [&](auto i) { write(raw, i, read(x, i)); });
  exec.each(part.width, [&](auto i) { write(x, i, normalised(read(x, i), rstd, gain, i)); });
}

template <class T, class Exec>
STRATA_KFN void qkv_norm_group(Exec exec, const QkvNormRows<T>& rows, const QkvPart<T>& part, int64_t token,
                               int64_t group) {
  T* const x = rows.rows + token * rows.stride + part.column + group * part.width;
  if (part.gain != nullptr) {
    T* const raw =
        rows.raw == nullptr ? nullptr : rows.raw + token * rows.raw_stride + part.raw_column + group * part.width;
    normalise_group(exec, x, raw, part, rows.eps);
    exec.wait();
  }
  if (part.is_rotated) rotate_heads(exec, x, x, part.width / (2 * rows.angles.half), rows.angles, token, 1.0F);
}

/// Of part number `number`. gain_sums: of the gain's gradient.
template <class T, class Exec, class Pointer>
STRATA_KFN void qkv_norm_backward_group(Exec exec, const QkvNormRows<T>& rows, const QkvGradientRows<T>& gradients,
                                        int number, int64_t token, int64_t group, Pointer gain_sums) {
  const QkvPart<T>& part = rows.part[number];
  const int64_t heads = part.width / (2 * rows.angles.half);
  store_heads_rotated_back(exec, gradients, number, token, group * heads, heads);
  if (part.gain == nullptr) return;
  exec.wait();
  T* const grad = rows.rows + token * rows.stride + part.column + group * part.width;
  const T* const raw = rows.raw + token * rows.raw_stride + part.raw_column + group * part.width;
  const T* const gain = part.gain;
  const auto moments = exec.template sum<2>(part.width, [&](auto i) {
    const auto x = read(raw, i);
    return sums(x * x, read(grad, i) * read(gain, i) * x);
  });
  const float rstd = reciprocal_rms(moments[0], part.width, rows.eps);
  const float mean = rstd * moments[1] / static_cast<float>(part.width);
  exec.each(part.width, [&](auto i) {
    const auto upstream = read(grad, i);
    const auto normal = rstd * read(raw, i);
    add_to(gain_sums, i, upstream * normal);
    write(grad, i, rstd * (upstream * read(gain, i) - normal * mean));
  });
}

}  // namespace strata::kernels
