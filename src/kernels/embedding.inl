// The body of the embedding's backward: all positions of one id.
#pragma once

#include "scalar.inl"

namespace strata::kernels {

template <class T, class G, class Exec>
STRATA_KFN void add_positions(Exec exec, const T* grads, const int64_t* positions, int64_t count, int64_t width,
                              G* grad_row) {
  exec.each(width, [&](int64_t i) {
    float total = 0.0F;
    for (int64_t p = 0; p < count; ++p) total += widen(grads[positions[p] * width + i]);
    grad_row[i] = narrow<G>(widen(grad_row[i]) + total);
  });
}

}  // namespace strata::kernels
