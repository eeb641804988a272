// Lion's rule.
#pragma once

#include "arena_update.inl"

namespace strata::kernels {

// Of nought, and of what is no number, it is itself.
STRATA_KFN float sign(float x) { return x > 0.0F ? 1.0F : (x < 0.0F ? -1.0F : x); }
template <int kCount>
STRATA_KFN Lanes<kCount> sign(const Lanes<kCount>& x) {
  return each_lane<kCount>([&](int lane) { return sign(x.value[lane]); });
}

struct LionRule : UpdateRule {
  static constexpr int kStates = 1;

  float rate = 0.0F, beta1 = 0.0F, beta2 = 0.0F;
  float rest1 = 0.0F, rest2 = 0.0F;  // 1 - beta
  float shrink = 0.0F;

  template <class Number>
  STRATA_KFN Number operator()(const Number& p, const Number& g, Number (&state)[kStates]) const {
    const Number direction = sign(beta1 * state[0] + rest1 * g);
    state[0] = beta2 * state[0] + rest2 * g;
    return shrink * p - rate * direction;
  }
};

}  // namespace strata::kernels
