// The body of softmax cross-entropy over the logits of one position.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

template <bool kGradient, class T, class Exec>
STRATA_KFN void cross_entropy_row(Exec exec, T* logits, int64_t classes, int64_t target, float scale, float* loss) {
  if (target < 0) {
    if (exec.leader()) *loss = 0.0F;
    if constexpr (kGradient) exec.each(classes, [&](int64_t i) { logits[i] = narrow<T>(0.0F); });
    return;
  }
  const float highest = exec.max(classes, [&](int64_t i) { return widen(logits[i]); });
  const float target_logit = widen(logits[target]);
  const float total =
      exec.template sum<1>(classes, [&](int64_t i) { return sums(exponential(widen(logits[i]) - highest)); })[0];
  if (exec.leader()) *loss = logf(total) + (highest - target_logit);
  if constexpr (kGradient) {
    const float factor = scale / total;
    exec.each(classes, [&](int64_t i) {
      const float probability = factor * exponential(widen(logits[i]) - highest);
      logits[i] = narrow<T>(i == target ? probability - scale : probability);
    });
  }
}

}  // namespace strata::kernels
