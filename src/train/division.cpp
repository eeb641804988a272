#include "strata/train/division.h"

#include <bit>
#include <numeric>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::train {
namespace {

constexpr int64_t kMostVirtualRanks = 8;  // unless the config asks for more

int64_t largest_power_of_two_in(int64_t number) { return number & -number; }

// Sizes of micro-batches that leave every worker at least one, largest first.
std::string fitting_sizes(int64_t global_batch, int64_t world_size) {
  std::vector<std::string> sizes;
  for (int64_t size = global_batch / world_size; size >= 1 && sizes.size() < 3; --size) {
    if (global_batch % (size * world_size) == 0) sizes.push_back(std::to_string(size));
  }
  return sizes.empty() ? "no size would: change train.global_batch" : join(sizes, ", ") + " would";
}

}  // namespace

std::vector<int64_t> Division::micro_batches_of(int64_t rank) const {
  const int64_t count = micro_batches / world_size;
  std::vector<int64_t> mine(static_cast<size_t>(count));
  std::iota(mine.begin(), mine.end(), rank * count);
  return mine;
}

Division divide(const config::RunConfig& config, int64_t world_size) {
  const config::TrainConfig& train = config.train;
  Division division{.micro_batches = train.global_batch / train.micro_batch, .world_size = world_size};
  if (division.micro_batches % world_size != 0) {
    throw UsageError(str("train.micro_batch=", train.micro_batch, " makes ", division.micro_batches,
                         " micro-batches of train.global_batch=", train.global_batch, ", which ", world_size,
                         " workers cannot share; ", fitting_sizes(train.global_batch, world_size)));
  }
  if (config.parallel.order == config::SumOrder::kFast) {
    division.virtual_ranks = world_size;
    return division;
  }
  const int64_t wanted = config.parallel.virtual_ranks;
  division.virtual_ranks =
      wanted > 0 ? wanted : std::min(kMostVirtualRanks, largest_power_of_two_in(division.micro_batches));
  if (division.virtual_ranks % world_size != 0) {
    throw UsageError(str("parallel.virtual_ranks: ", division.virtual_ranks, wanted > 0 ? "" : " (by default)",
                         " cannot be shared by ", world_size, " workers; a power of two that both ", world_size,
                         " and the ", division.micro_batches, " micro-batches fit, or parallel.order: fast"));
  }
  return division;
}

}  // namespace strata::train
