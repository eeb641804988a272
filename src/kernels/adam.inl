// The body of Adam over a range of parameters.
#pragma once

#include "rounding.inl"

namespace strata::kernels {

struct AdamNumbers {
  float rate, beta1, beta2;
  float rest1, rest2;  // 1 - beta, which fp32 would take from a rounded beta: 1e-5 off for 0.999
  float eps, decay, shrink, inverse_correction1, inverse_root_correction2, gradient_scale;
  uint64_t key;  // of random bits
};

/// A range of the arenas. first: the place of its first element.
template <class T>
struct AdamPointers {
  int64_t first, count;
  T* value;
  const T* gradient;
  T *m, *v;
  Bf16* copy;  // nullptr: none
};

template <class T>
STRATA_HOST_KFN AdamPointers<T> part_of(const AdamPointers<T>& all, int64_t begin, int64_t count) {
  return {all.first + begin,
          count,
          all.value + begin,
          all.gradient + begin,
          all.m + begin,
          all.v + begin,
          all.copy == nullptr ? nullptr : all.copy + begin};
}

template <bool kStochastic, class T, class Exec>
STRATA_KFN void adam_range(Exec exec, const AdamNumbers n, const AdamPointers<T> arrays) {
  const auto [first, count, value, gradient, m, v, copy] = arrays;
  const auto store = [&](T* row, auto i, auto number, uint64_t array) {
    if constexpr (kStochastic) {
      write(row, i, rounded_by_chance<T>(number, n.key + array * 0x9E3779B97F4A7C15U, first, i));
    } else {
      write(row, i, number);
    }
  };
  exec.each(count, [&](auto i) {
    const auto p = read(value, i);
    const auto g = n.gradient_scale * read(gradient, i) + n.decay * p;
    const auto new_m = n.beta1 * read(m, i) + n.rest1 * g;
    const auto new_v = n.beta2 * read(v, i) + n.rest2 * (g * g);
    const auto denominator = root(new_v) * n.inverse_root_correction2 + n.eps;
    store(m, i, new_m, 0);
    store(v, i, new_v, 1);
    store(value, i, n.shrink * p - n.rate * (new_m * n.inverse_correction1) / denominator, 2);
  });
  if (copy != nullptr) {
    exec.each(count, [&](auto i) { write(copy, i, read(value, i)); });
  }
}

}  // namespace strata::kernels
