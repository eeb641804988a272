// One update over a range of the arenas, element by element, by the rule of an optimizer.
#pragma once

#include <type_traits>

#include "rounding.inl"

namespace strata::kernels {

/// What every rule has: how gradients are scaled, and the key of random bits.
struct UpdateRule {
  float gradient_scale = 1.0F;
  uint64_t key = 0;
};

/// A range of the arenas. first: the place of its first element.
template <class T, int kStates>
struct ArenaPointers {
  int64_t first, count;
  T* value;
  const T* gradient;
  T* state[kStates];
  Bf16* copy;  // nullptr: none
};

template <class T, int kStates>
STRATA_HOST_KFN ArenaPointers<T, kStates> part_of(const ArenaPointers<T, kStates>& all, int64_t begin, int64_t count) {
  ArenaPointers<T, kStates> part = all;
  part.first += begin;
  part.count = count;
  part.value += begin;
  part.gradient += begin;
  for (T*& state : part.state) state += begin;
  if (part.copy != nullptr) part.copy += begin;
  return part;
}

/// row[i] = number, to nearest or by chance; arrays that are written at one place have numbers of their own.
template <bool kStochastic, class T, class Index, class Number>
STRATA_KFN void store(T* row, Index i, const Number& number, uint64_t key, uint64_t array, int64_t first) {
  if constexpr (kStochastic) {
    write(row, i, rounded_by_chance<T>(number, key + array * 0x9E3779B97F4A7C15U, first, i));
  } else {
    write(row, i, number);
  }
}

/// rule(p, g, states): the new p; the states become the new ones. Rule::kStates: how many there are.
template <bool kStochastic, class Rule, class T, class Exec>
STRATA_KFN void update_range(Exec exec, const Rule rule, const ArenaPointers<T, Rule::kStates> arrays) {
  constexpr int kStates = Rule::kStates;
  exec.each(arrays.count, [&](auto i) {
    const auto p = read(arrays.value, i);
    const auto g = rule.gradient_scale * read(arrays.gradient, i);
    std::remove_const_t<decltype(p)> states[kStates];
    for (int k = 0; k < kStates; ++k) states[k] = read(arrays.state[k], i);
    const auto new_p = rule(p, g, states);
    for (int k = 0; k < kStates; ++k) store<kStochastic>(arrays.state[k], i, states[k], rule.key, k, arrays.first);
    store<kStochastic>(arrays.value, i, new_p, rule.key, kStates, arrays.first);
  });
  if (arrays.copy != nullptr) {
    exec.each(arrays.count, [&](auto i) { write(arrays.copy, i, read(arrays.value, i)); });
  }
}

}  // namespace strata::kernels
