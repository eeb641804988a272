// The body of the squared ReLU over one row.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

STRATA_KFN float positive(float x) { return x > 0.0F ? x : 0.0F; }
template <int kCount>
STRATA_KFN Lanes<kCount> positive(const Lanes<kCount>& x) {
  return each_lane<kCount>([&](int lane) { return positive(x.value[lane]); });
}

template <class T, class Exec>
STRATA_KFN void squared_relu_row(Exec exec, T* out, const T* x, int64_t width) {
  exec.each(width, [&](auto i) {
    const auto r = positive(read(x, i));
    write(out, i, r * r);
  });
}

template <class T, class Exec>
STRATA_KFN void squared_relu_backward_row(Exec exec, T* grad, const T* x, int64_t width) {
  exec.each(width, [&](auto i) { write(grad, i, 2.0F * positive(read(x, i)) * read(grad, i)); });
}

}  // namespace strata::kernels
