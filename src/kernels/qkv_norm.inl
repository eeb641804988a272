// The bodies of norms on queries, keys and values over one group of a token's row: a head, or all heads of a kind.
#pragma once

#include "junction_norms.inl"

namespace strata::kernels {

/// Tokens whose gradients of gains are summed one after another; the chunks' sums are then added in order.
inline constexpr int64_t kQkvChunk = 16;

constexpr int64_t qkv_chunks(int64_t tokens) { return (tokens + kQkvChunk - 1) / kQkvChunk; }

/// Neighbouring groups of a row that share a gain, and where they begin.
template <class T>
struct NormedPart {
  int64_t column;      // in the row
  int64_t raw_column;  // in the row of what is kept
  int64_t sum_column;  // of the gain's gradient in a chunk's sums
  int64_t groups, width;
  const T* gain;
};

inline constexpr int kQkvParts = 3;

template <class T>
struct QkvNormRows {
  T* rows;
  int64_t stride;
  T* raw;  // nullptr: not kept
  int64_t raw_stride;
  float eps;
  int parts;
  NormedPart<T> part[kQkvParts];
};

/// Elements of a chunk's sums.
template <class T>
STRATA_HOST_KFN int64_t qkv_sums_size(const QkvNormRows<T>& rows) {
  const NormedPart<T>& last = rows.part[rows.parts - 1];
  return last.sum_column + last.width;
}

template <class T, class Exec>
STRATA_KFN void qkv_norm_group(Exec exec, const QkvNormRows<T>& rows, const NormedPart<T>& part, int64_t token,
                               int64_t group) {
  T* const x = rows.rows + token * rows.stride + part.column + group * part.width;
  T* const raw =
      rows.raw == nullptr ? nullptr : rows.raw + token * rows.raw_stride + part.raw_column + group * part.width;
  const T* const gain = part.gain;
  const auto squares = exec.template sum<1>(part.width, [&](auto i) {
    const auto value = read(x, i);
    return sums(value * value);
  });
  const float rstd = reciprocal_rms(squares[0], part.width, rows.eps);
  if (raw != nullptr) exec.each(part.width, [&](auto i) { write(raw, i, read(x, i)); });
  exec.each(part.width, [&](auto i) { write(x, i, normalised(read(x, i), rstd, gain, i)); });
}

/// sums: of the gain's gradient, of the part.
template <class T, class Exec, class Pointer>
STRATA_KFN void qkv_norm_backward_group(Exec exec, const QkvNormRows<T>& rows, const NormedPart<T>& part, int64_t token,
                                        int64_t group, Pointer gain_sums) {
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
