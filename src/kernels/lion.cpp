#include "strata/kernels/lion.h"

#include "arena_update.h"
#include "lion.inl"

namespace strata::kernels {

void lion(const LionArrays& arrays, const LionUpdate& update, const UpdateScale& scale) {
  const auto narrow = [](double value) { return static_cast<float>(value); };
  LionRule rule;
  rule.rate = narrow(update.rate);
  rule.beta1 = narrow(update.beta1);
  rule.beta2 = narrow(update.beta2);
  rule.rest1 = narrow(1.0 - update.beta1);
  rule.rest2 = narrow(1.0 - update.beta2);
  rule.shrink = narrow(1.0 - update.rate * update.decay);
  update_arena<LionRule>({arrays.value, arrays.gradient, {arrays.m}, arrays.copy}, rule, update.chance, scale);
}

}  // namespace strata::kernels
