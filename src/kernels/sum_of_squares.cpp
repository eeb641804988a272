#include "strata/kernels/sum_of_squares.h"

#include <algorithm>

#include "cpu_executor.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

constexpr int64_t kBlock = 4096;

struct Block {
  size_t range;
  int64_t begin;
  int64_t count;
};

std::vector<Block> blocks_of(const std::vector<ArenaRange>& ranges) {
  std::vector<Block> blocks;
  for (size_t r = 0; r < ranges.size(); ++r) {
    for (int64_t begin = ranges[r].begin; begin < ranges[r].end; begin += kBlock) {
      blocks.push_back({r, begin, std::min(kBlock, ranges[r].end - begin)});
    }
  }
  return blocks;
}

}  // namespace

std::vector<double> sums_of_squares(const at::Tensor& flat, const std::vector<ArenaRange>& ranges) {
  const std::vector<Block> blocks = blocks_of(ranges);
  std::vector<float> partial(blocks.size());
  with_storage_type(flat, [&](auto type) {
    const auto* data = pointer<decltype(type)>(flat);
    parallel_rows(static_cast<int64_t>(blocks.size()), 16, [&](int64_t b) {
      const Block& block = blocks[static_cast<size_t>(b)];
      partial[static_cast<size_t>(b)] = CpuExecutor{}.sum<1>(block.count, [&](int64_t i) {
        const float value = widen(data[block.begin + i]);
        return sums(value * value);
      })[0];
    });
  });
  std::vector<double> totals(ranges.size(), 0.0);
  for (size_t b = 0; b < blocks.size(); ++b) totals[blocks[b].range] += static_cast<double>(partial[b]);
  return totals;
}

}  // namespace strata::kernels
