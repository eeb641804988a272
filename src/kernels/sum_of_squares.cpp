#include "strata/kernels/sum_of_squares.h"

#include <algorithm>

#include "cpu_executor.h"
#include "tensor_access.h"

namespace strata::kernels {

std::vector<RangeBlock> blocks_of(const std::vector<ArenaRange>& ranges) {
  std::vector<RangeBlock> blocks;
  for (size_t r = 0; r < ranges.size(); ++r) {
    for (int64_t begin = ranges[r].begin; begin < ranges[r].end;) {
      const int64_t end = std::min((begin / kArenaBlock + 1) * kArenaBlock, ranges[r].end);
      blocks.push_back({r, begin, end - begin});
      begin = end;
    }
  }
  return blocks;
}

void sums_of_squares(const at::Tensor& flat, const std::vector<RangeBlock>& blocks, float* squares) {
  with_storage_type(flat, [&](auto type) {
    const auto* data = pointer<decltype(type)>(flat);
    parallel_rows(static_cast<int64_t>(blocks.size()), 16, [&](int64_t b) {
      const RangeBlock& block = blocks[static_cast<size_t>(b)];
      squares[b] = CpuExecutor{}.sum<1>(block.count, [&](int64_t i) {
        const float value = widen(data[block.begin + i]);
        return sums(value * value);
      })[0];
    });
  });
}

}  // namespace strata::kernels
