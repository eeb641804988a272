// The bodies of what Muon does to a matrix beside products.
#pragma once

#include "arena_update.inl"

namespace strata::kernels {

struct MomentumNumbers {
  float momentum = 0.0F, rest = 0.0F;      // rest: 1 - momentum
  float of_mean = 1.0F, of_newest = 0.0F;  // what is given out
  float gradient_scale = 1.0F;
  uint64_t key = 0;
};

/// Flat arrays of `count` elements. first: the place of the first in the arena of values.
template <class Out, class T>
struct MomentumArrays {
  int64_t first, count;
  Out* out;
  const T* gradient;
  T* m;
};

template <class Out, class T>
STRATA_HOST_KFN MomentumArrays<Out, T> part_of(const MomentumArrays<Out, T>& all, int64_t begin, int64_t count) {
  return {all.first + begin, count, all.out + begin, all.gradient + begin, all.m + begin};
}

template <bool kStochastic, class Out, class T, class Exec>
STRATA_KFN void momentum_range(Exec exec, const MomentumNumbers n, const MomentumArrays<Out, T> arrays) {
  exec.each(arrays.count, [&](auto i) {
    const auto g = n.gradient_scale * read(arrays.gradient, i);
    const auto m = n.momentum * read(arrays.m, i) + n.rest * g;
    store<kStochastic>(arrays.m, i, m, n.key, 0, arrays.first);
    write(arrays.out, i, n.of_mean * m + n.of_newest * g);
  });
}

struct StepNumbers {
  float rate = 0.0F, shrink = 1.0F;
  uint64_t key = 0;
};

template <class T, class In>
struct StepArrays {
  int64_t first, count;
  T* value;
  Bf16* copy;  // nullptr: none
  const In* orthogonal;
};

template <class T, class In>
STRATA_HOST_KFN StepArrays<T, In> part_of(const StepArrays<T, In>& all, int64_t begin, int64_t count) {
  return {all.first + begin, count, all.value + begin, all.copy == nullptr ? nullptr : all.copy + begin,
          all.orthogonal + begin};
}

template <bool kStochastic, class T, class In, class Exec>
STRATA_KFN void step_range(Exec exec, const StepNumbers n, const StepArrays<T, In> arrays) {
  exec.each(arrays.count, [&](auto i) {
    const auto p = n.shrink * read(arrays.value, i) - n.rate * read(arrays.orthogonal, i);
    store<kStochastic>(arrays.value, i, p, n.key, 1, arrays.first);
  });
  if (arrays.copy != nullptr) {
    exec.each(arrays.count, [&](auto i) { write(arrays.copy, i, read(arrays.value, i)); });
  }
}

struct DivisorNumbers {
  double factor = 1.0, floor = 0.0, added = 0.0;
};

STRATA_KFN float divisor_of(const DivisorNumbers& n, double square) {
  const double norm = n.factor * sqrt(square);
  return static_cast<float>((norm > n.floor ? norm : n.floor) + n.added);
}

template <class T, class Exec>
STRATA_KFN void divide_range(Exec exec, T* x, float divisor, int64_t count) {
  exec.each(count, [&](auto i) { write(x, i, read(x, i) / spread(i, divisor)); });
}

struct PolynomialNumbers {
  float a = 0.0F, b = 0.0F, c = 0.0F;
};

/// Row number `row` of a square matrix.
template <class T, class Exec>
STRATA_KFN void polynomial_row(Exec exec, const PolynomialNumbers n, T* squared, const T* gram, int64_t row,
                               int64_t width) {
  exec.each(width, [&](auto i) {
    const auto value = n.b * read(gram, i) + n.c * read(squared, i);
    write(squared, i, choose(i, row, n.a + value, value));
  });
}

}  // namespace strata::kernels
