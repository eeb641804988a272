// The body of the rotary embedding (RoFormer, arXiv 2104.09864) over one head of one token.
#pragma once

#include "lanes.inl"

namespace strata::kernels {

template <class T, class Exec>
STRATA_KFN void rotate_head(Exec exec, T* head, const float* cosine, const float* sine, int64_t half, float sign) {
  T* other = head + half;
  exec.each(half, [&](auto j) {
    const auto first = read(head, j);
    const auto second = read(other, j);
    const auto c = read(cosine, j);
    const auto s = read(sine, j);
    write(head, j, first * c - sign * second * s);
    write(other, j, second * c + sign * first * s);
  });
}

}  // namespace strata::kernels
