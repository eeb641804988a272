#include "strata/kernels/adam.h"

#include <cmath>

#include "adam.inl"
#include "arena_update.h"

namespace strata::kernels {
namespace {

AdamRule rule_of(const AdamUpdate& update) {
  const auto narrow = [](double value) { return static_cast<float>(value); };
  AdamRule rule;
  rule.rate = narrow(update.rate);
  rule.beta1 = narrow(update.beta1);
  rule.beta2 = narrow(update.beta2);
  rule.rest1 = narrow(1.0 - update.beta1);
  rule.rest2 = narrow(1.0 - update.beta2);
  rule.eps = narrow(update.eps);
  rule.decay = update.decoupled ? 0.0F : narrow(update.decay);
  rule.shrink = update.decoupled ? narrow(1.0 - update.rate * update.decay) : 1.0F;
  rule.inverse_correction1 = narrow(1.0 / update.correction1);
  rule.inverse_root_correction2 = narrow(1.0 / std::sqrt(update.correction2));
  return rule;
}

}  // namespace

void adam(const AdamArrays& arrays, const AdamUpdate& update, const UpdateScale& scale) {
  update_arena<AdamRule>({arrays.value, arrays.gradient, {arrays.m, arrays.v}, arrays.copy}, rule_of(update),
                         update.chance, scale);
}

}  // namespace strata::kernels
