// The body of the rotary embedding (RoFormer, arXiv 2104.09864) over one head of one token.
#pragma once

#include "scalar.inl"

namespace strata::kernels {

template <class T, class Exec>
STRATA_KFN void rotate_head(Exec exec, T* head, const float* cosine, const float* sine, int64_t half, float sign) {
  exec.each(half, [&](int64_t j) {
    const float first = widen(head[j]);
    const float second = widen(head[j + half]);
    head[j] = narrow<T>(first * cosine[j] - sign * second * sine[j]);
    head[j + half] = narrow<T>(second * cosine[j] + sign * first * sine[j]);
  });
}

}  // namespace strata::kernels
