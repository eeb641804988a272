#include "strata/kernels/ademamix.h"

#include <cmath>

#include "ademamix.inl"
#include "arena_update.h"

namespace strata::kernels {
namespace {

AdemamixRule rule_of(const AdemamixUpdate& update) {
  const auto narrow = [](double value) { return static_cast<float>(value); };
  AdemamixRule rule;
  rule.rate = narrow(update.rate);
  rule.beta1 = narrow(update.beta1);
  rule.beta2 = narrow(update.beta2);
  rule.beta3 = narrow(update.beta3);
  rule.rest1 = narrow(1.0 - update.beta1);
  rule.rest2 = narrow(1.0 - update.beta2);
  rule.rest3 = narrow(1.0 - update.beta3);
  rule.alpha = narrow(update.alpha);
  rule.eps = narrow(update.eps);
  rule.shrink = narrow(1.0 - update.rate * update.decay);
  rule.inverse_correction1 = narrow(1.0 / update.correction1);
  rule.inverse_root_correction2 = narrow(1.0 / std::sqrt(update.correction2));
  return rule;
}

}  // namespace

void ademamix(const AdemamixArrays& arrays, const AdemamixUpdate& update, const UpdateScale& scale) {
  update_arena<AdemamixRule>({arrays.value, arrays.gradient, {arrays.m, arrays.v, arrays.s}, arrays.copy},
                             rule_of(update), update.chance, scale);
}

}  // namespace strata::kernels
