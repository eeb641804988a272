#include "cuda_on_host/emulator/grid.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cuda_on_host/emulator/block.h"

namespace strata::test::emulated {
namespace {

std::string text(const dim3& count) {
  return std::to_string(count.x) + " x " + std::to_string(count.y) + " x " + std::to_string(count.z);
}

bool within(const dim3& count, const dim3& limit) {
  return count.x >= 1 && count.y >= 1 && count.z >= 1 && count.x <= limit.x && count.y <= limit.y && count.z <= limit.z;
}

void check_shape(const dim3& grid, const dim3& block, size_t shared_bytes) {
  if (!within(grid, dim3(2147483647, 65535, 65535))) {
    throw EmulationError("a grid of " + text(grid) +
                         " blocks; 1 x 1 x 1 to 2147483647 x 65535 x 65535 can be launched");
  }
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  if (!within(block, dim3(1024, 1024, 64)) || threads > 1024 || threads % Block::kWarp != 0) {
    throw EmulationError("a block of " + text(block) +
                         " threads; it has to be a multiple of 32 up to 1024, z up to 64");
  }
  const size_t limit = EmulationScope::current().shared_limit;
  if (shared_bytes > limit) {
    throw EmulationError(std::to_string(shared_bytes) + " bytes of dynamic shared memory; a block has at most " +
                         std::to_string(limit));
  }
}

thread_local int64_t launches = 0;

std::vector<unsigned> order_of_blocks(size_t count) {
  std::vector<unsigned> order(count);
  std::iota(order.begin(), order.end(), 0U);
  const Emulation& emulation = EmulationScope::current();
  if (emulation.order == ThreadOrder::kReverse) std::reverse(order.begin(), order.end());
  if (emulation.order == ThreadOrder::kRandom)
    std::shuffle(order.begin(), order.end(), std::mt19937_64(emulation.seed));
  return order;
}

}  // namespace

void run_grid(dim3 grid, dim3 block, const DynamicShared& shared, const std::function<void()>& kernel) {
  ++launches;
  check_shape(grid, block, shared.bytes);
  gridDim = grid;
  blockDim = block;
  Block emulated(kernel, block, shared);
  for (const unsigned b : order_of_blocks(size_t{grid.x} * grid.y * grid.z)) {
    emulated.run({b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y});
  }
}

int64_t num_launches() { return launches; }

}  // namespace strata::test::emulated
