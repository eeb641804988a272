// The body of the embedding's backward: all positions of one id.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

template <class T, class G, class Exec>
STRATA_KFN void add_positions(Exec exec, const T* grads, const int64_t* positions, int64_t count, int64_t width,
                              G* grad_row) {
  exec.each(width, [&](auto i) {
    auto total = read(grads + positions[0] * width, i);
    for (int64_t p = 1; p < count; ++p) total = total + read(grads + positions[p] * width, i);
    write(grad_row, i, read(grad_row, i) + total);
  });
}

}  // namespace strata::kernels
