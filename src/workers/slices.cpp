#include "strata/workers/slices.h"

#include <algorithm>
#include <numeric>

namespace strata::workers {

SliceSizes equal_sizes(int world_size, int64_t size) { return SliceSizes(static_cast<size_t>(world_size), size); }

bool are_equal(const SliceSizes& sizes) {
  return std::ranges::all_of(sizes, [&](int64_t size) { return size == sizes.front(); });
}

at::Tensor slice_of(const at::Tensor& values, const SliceSizes& sizes, int rank) {
  const auto mine = sizes.begin() + rank;
  return values.narrow(0, std::accumulate(sizes.begin(), mine, int64_t{0}), *mine);
}

}  // namespace strata::workers
