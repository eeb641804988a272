// The body of Adam over a range of parameters.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

struct AdamNumbers {
  float rate, beta1, beta2, eps, decay, shrink, inverse_correction1, inverse_root_correction2, gradient_scale;
};

template <class T, class Exec>
STRATA_KFN void adam_range(Exec exec, const AdamNumbers n, int64_t count, T* value, const T* gradient, T* m, T* v,
                           Bf16* copy) {
  exec.each(count, [&](int64_t i) {
    const float p = widen(value[i]);
    const float g = n.gradient_scale * widen(gradient[i]) + n.decay * p;
    const float new_m = n.beta1 * widen(m[i]) + (1.0F - n.beta1) * g;
    const float new_v = n.beta2 * widen(v[i]) + (1.0F - n.beta2) * (g * g);
    const float denominator = sqrtf(new_v) * n.inverse_root_correction2 + n.eps;
    const float moved = n.shrink * p - n.rate * (new_m * n.inverse_correction1) / denominator;
    m[i] = narrow<T>(new_m);
    v[i] = narrow<T>(new_v);
    value[i] = narrow<T>(moved);
  });
  if (copy != nullptr) {
    exec.each(count, [&](int64_t i) { copy[i] = narrow<Bf16>(widen(value[i])); });
  }
}

}  // namespace strata::kernels
