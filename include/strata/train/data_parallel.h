#pragma once

#include <optional>

#include "strata/optim/arena_meter.h"
#include "strata/train/gradient_reduction.h"
#include "strata/train/parameter_gather.h"
#include "strata/train/step_numbers.h"

namespace strata::train {

/// How this run's arenas are cut for its workers. Those of gradients are smaller where only some layers train at a
/// time.
struct Partitions {
  Partitions(const config::RunConfig& config, const nn::ModelSpec& spec, int rank, int world_size);

  workers::Partition values;
  workers::Partition gradients;
  bool states_like_values;  // or like gradients
  bool sharded;             // ZeRO: a worker updates only its slices

  const workers::Partition& states() const { return states_like_values ? values : gradients; }
  /// What of the master values a worker has, where it has not all of them.
  std::optional<std::vector<ArenaRange>> master_ranges(config::Precision precision) const;
};

/// What the workers of a run share every step with.
struct DataParallel {
  /// The arenas must have the padded sizes of their partitions. All that is given must outlive it.
  DataParallel(const config::ParallelConfig& config, const Division& division, const Partitions& partitions,
               nn::Parameters& parameters, workers::Communicator& workers, Allocator& allocator);

  workers::Communicator& workers;
  bool sharded;
  std::vector<ArenaRange> mine;  // the states that it has, and updates with
  int64_t virtual_ranks;         // of this worker
  GradientReduction reduction;
  ParameterGather gather;
  optim::ArenaMeter gradient_meter, value_meter;
  StepNumbers numbers;
};

}  // namespace strata::train
