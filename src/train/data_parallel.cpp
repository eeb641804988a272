#include "strata/train/data_parallel.h"

#include <algorithm>

namespace strata::train {
namespace {

int64_t num_layers(const nn::ParameterLayout& layout) {
  return std::ranges::max(layout.params, {}, &ParamSpec::layer).layer + 1;
}

}  // namespace

dist::Partition partition_of(const config::RunConfig& config, const nn::ParameterLayout& layout, int rank,
                             int world_size) {
  const auto bytes = static_cast<int64_t>(at::elementSize(nn::stored_dtype(config.train.precision)));
  return {layout.arena_size, config.parallel.bucket_mb * 1'000'000 / bytes, rank, world_size};
}

DataParallel::DataParallel(const config::ParallelConfig& config, const Division& division,
                           const dist::Partition& partition, const nn::Parameters& parameters,
                           dist::Communicator& workers, Allocator& memory)
    : workers(workers),
      partition(partition),
      sharded(config.zero > 0 && workers.world_size() > 1),
      mine(sharded ? partition.mine() : std::vector<ArenaRange>{{0, partition.padded_size()}}),
      parts(division.parts_per_worker()),
      reduction(parameters, partition, division, workers, {.order = config.order, .sharded = sharded}, memory),
      gather(parameters, partition, workers),
      meter(parameters.layout().params, partition.mine(), workers, memory),
      numbers(division, workers, num_layers(parameters.layout()), meter.num_numbers(), memory) {}

}  // namespace strata::train
