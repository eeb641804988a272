// The body of SwiGLU over one token.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

template <class T, class Exec>
STRATA_KFN void swiglu_row(Exec exec, const T* gate, const T* up, T* out, int64_t width) {
  exec.each(width, [&](auto i) {
    const auto g = read(gate, i);
    write(out, i, g * sigmoid(g) * read(up, i));
  });
}

// d silu(g) / dg = s (1 + g (1 - s)), s = sigmoid(g)
template <class T, class Exec>
STRATA_KFN void swiglu_backward_row(Exec exec, T* gate, T* up, T* grad_out, int64_t width) {
  exec.each(width, [&](auto i) {
    const auto g = read(gate, i);
    const auto u = read(up, i);
    const auto grad = read(grad_out, i);
    const auto s = sigmoid(g);
    write(gate, i, grad * u * s * (1.0F + g * (1.0F - s)));
    write(up, i, grad * g * s);
    write(grad_out, i, g * s * u);
  });
}

}  // namespace strata::kernels
