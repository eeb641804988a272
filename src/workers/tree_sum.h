#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/add.h>

namespace strata::workers {

/// The sum of `parts` slices that lie one after another in `slices`, into `sum`, as a binary tree:
/// ((0 + 1) + (2 + 3)) + ... `slices` is scratch afterwards; `sum` may not overlap it.
inline void tree_sum(const at::Tensor& sum, const at::Tensor& slices, int64_t parts) {
  const int64_t size = sum.numel();
  const auto slice = [&](int64_t part) { return slices.narrow(0, part * size, size); };
  if (parts == 1) {
    sum.copy_(slice(0));
    return;
  }
  int64_t stride = 1;
  for (; 2 * stride < parts; stride *= 2) {
    for (int64_t part = 0; part + stride < parts; part += 2 * stride) slice(part).add_(slice(part + stride));
  }
  at::add_out(const_cast<at::Tensor&>(sum), slice(0), slice(stride));
}

}  // namespace strata::workers
