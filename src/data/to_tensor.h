#pragma once

#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

namespace strata::data {

/// A copy in the host's memory.
template <class T>
at::Tensor to_tensor(const std::vector<T>& values, at::ScalarType type) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, type);
  std::ranges::copy(values, static_cast<T*>(tensor.data_ptr()));
  return tensor;
}

}  // namespace strata::data
