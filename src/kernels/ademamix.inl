// AdEMAMix's rule.
#pragma once

#include "arena_update.inl"

namespace strata::kernels {

struct AdemamixRule : UpdateRule {
  static constexpr int kStates = 3;

  float rate = 0.0F, beta1 = 0.0F, beta2 = 0.0F, beta3 = 0.0F;
  float rest1 = 0.0F, rest2 = 0.0F, rest3 = 0.0F;  // 1 - beta
  float alpha = 0.0F, eps = 0.0F, shrink = 0.0F, inverse_correction1 = 0.0F, inverse_root_correction2 = 0.0F;

  template <class Number>
  STRATA_KFN Number operator()(const Number& p, const Number& g, Number (&state)[kStates]) const {
    state[0] = beta1 * state[0] + rest1 * g;
    state[1] = beta2 * state[1] + rest2 * (g * g);
    state[2] = beta3 * state[2] + rest3 * g;
    const Number denominator = root(state[1]) * inverse_root_correction2 + eps;
    return shrink * p - rate * (state[0] * inverse_correction1 + alpha * state[2]) / denominator;
  }
};

}  // namespace strata::kernels
