// The body of SwiGLU over one token.
#pragma once

#include "scalar.inl"

namespace strata::kernels {

template <class T, class Exec>
STRATA_KFN void swiglu_row(Exec exec, const T* gate, const T* up, T* out, int64_t width) {
  exec.each(width, [&](int64_t i) {
    const float g = widen(gate[i]);
    out[i] = narrow<T>(g * sigmoid(g) * widen(up[i]));
  });
}

// d silu(g) / dg = s (1 + g (1 - s)), s = sigmoid(g)
template <class T, class Exec>
STRATA_KFN void swiglu_backward_row(Exec exec, T* gate, T* up, T* grad_out, int64_t width) {
  exec.each(width, [&](int64_t i) {
    const float g = widen(gate[i]);
    const float u = widen(up[i]);
    const float grad = widen(grad_out[i]);
    const float s = sigmoid(g);
    gate[i] = narrow<T>(grad * u * s * (1.0F + g * (1.0F - s)));
    up[i] = narrow<T>(grad * g * s);
    grad_out[i] = narrow<T>(g * s * u);
  });
}

}  // namespace strata::kernels
