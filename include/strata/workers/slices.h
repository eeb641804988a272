#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace strata::workers {

/// How many elements each rank has of flat values that are cut: from the first rank's on, one slice behind the other.
using SliceSizes = std::vector<int64_t>;

SliceSizes equal_sizes(int world_size, int64_t size);
bool are_equal(const SliceSizes& sizes);

/// A rank's slice of flat values that are cut so.
at::Tensor slice_of(const at::Tensor& values, const SliceSizes& sizes, int rank);

}  // namespace strata::workers
