#include "strata/train/data_parallel.h"

#include <algorithm>

#include "strata/optim/optimizer.h"

namespace strata::train {
namespace {

int64_t num_layers(const nn::ParameterLayout& layout) {
  return std::ranges::max(layout.params, {}, &ParamSpec::layer).layer + 1;
}

bool is_sharded(const config::RunConfig& config, int world_size) { return config.parallel.zero > 0 && world_size > 1; }

// What workers that share the update do not cut.
std::vector<ArenaRange> whole_ranges(const config::RunConfig& config, const nn::ParameterLayout& layout,
                                     int world_size) {
  std::vector<ArenaRange> whole;
  if (!is_sharded(config, world_size)) return whole;
  for (const ParamSpec& param : layout.params) {
    if (optim::moves_whole(config.optimizer, param)) whole.push_back(place_of(param));
  }
  return whole;
}

workers::Partition partition_of(const config::RunConfig& config, const nn::ParameterLayout& layout, int rank,
                                int world_size) {
  const auto bytes = static_cast<int64_t>(at::elementSize(nn::stored_dtype(config.train.precision)));
  return {layout.arena_size, config.parallel.bucket_mb * 1'000'000 / bytes, rank, world_size,
          whole_ranges(config, layout, world_size)};
}

}  // namespace

Partitions::Partitions(const config::RunConfig& config, const nn::ModelSpec& spec, int rank, int world_size)
    : values(partition_of(config, spec.layout, rank, world_size)),
      gradients(partition_of(config, spec.trained, rank, world_size)),
      states_like_values(config.lisa.states == config::LisaStates::kKeep),
      sharded(is_sharded(config, world_size)) {}

std::optional<std::vector<ArenaRange>> Partitions::master_ranges(config::Precision precision) const {
  if (!sharded || precision != config::Precision::kMixed) return std::nullopt;
  return values.mine();
}

DataParallel::DataParallel(const config::ParallelConfig& config, const Division& division, const Partitions& partitions,
                           nn::Parameters& parameters, workers::Communicator& workers, Allocator& allocator)
    : workers(workers),
      sharded(partitions.sharded),
      mine(sharded ? partitions.states().mine() : std::vector<ArenaRange>{{0, partitions.states().padded_size()}}),
      virtual_ranks(division.ranks_per_worker()),
      reduction(parameters, partitions.gradients, division, workers, {.order = config.order, .sharded = sharded},
                allocator),
      gather(parameters, partitions.values, workers, allocator),
      gradient_meter(parameters.trained()->params, partitions.gradients.mine(), false, workers, allocator),
      value_meter(parameters.layout().params, partitions.values.mine(), parameters.shares_master(), workers, allocator),
      numbers(division, workers, num_layers(parameters.layout()), gradient_meter.num_numbers(),
              value_meter.num_numbers(), allocator) {}

}  // namespace strata::train
