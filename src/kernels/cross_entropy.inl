// The body of softmax cross-entropy over the logits of one position.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

template <bool kGradient, class T, class Exec>
STRATA_KFN void cross_entropy_row(Exec exec, T* logits, int64_t classes, int64_t target, float scale, float* loss) {
  if (target < 0) {
    if (exec.leader()) *loss = 0.0F;
    if constexpr (kGradient) exec.each(classes, [&](auto i) { write(logits, i, spread(i, 0.0F)); });
    return;
  }
  const float highest = exec.max(classes, [&](auto i) { return read(logits, i); });
  const float target_logit = widen(logits[target]);
  const float total =
      exec.template sum<1>(classes, [&](auto i) { return sums(exponential(read(logits, i) - highest)); })[0];
  if (exec.leader()) *loss = logf(total) + (highest - target_logit);
  if constexpr (kGradient) {
    const float factor = scale / total;
    exec.each(classes, [&](auto i) {
      const auto probability = factor * exponential(read(logits, i) - highest);
      write(logits, i, choose(i, target, probability - scale, probability));
    });
  }
}

}  // namespace strata::kernels
