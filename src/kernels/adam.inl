// Adam's rule.
#pragma once

#include "arena_update.inl"

namespace strata::kernels {

struct AdamRule : UpdateRule {
  static constexpr int kStates = 2;

  float rate = 0.0F, beta1 = 0.0F, beta2 = 0.0F;
  float rest1 = 0.0F, rest2 = 0.0F;  // 1 - beta, which fp32 would take from a rounded beta: 1e-5 off for 0.999
  float eps = 0.0F, decay = 0.0F, shrink = 0.0F, inverse_correction1 = 0.0F, inverse_root_correction2 = 0.0F;

  template <class Number>
  STRATA_KFN Number operator()(const Number& p, const Number& gradient, Number (&state)[kStates]) const {
    const Number g = gradient + decay * p;
    state[0] = beta1 * state[0] + rest1 * g;
    state[1] = beta2 * state[1] + rest2 * (g * g);
    const Number denominator = root(state[1]) * inverse_root_correction2 + eps;
    return shrink * p - rate * (state[0] * inverse_correction1) / denominator;
  }
};

}  // namespace strata::kernels
