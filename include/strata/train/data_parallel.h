#pragma once

#include "strata/optim/arena_meter.h"
#include "strata/train/gradient_reduction.h"
#include "strata/train/parameter_gather.h"
#include "strata/train/step_numbers.h"

namespace strata::train {

/// How this run's arenas are cut for its workers.
dist::Partition partition_of(const config::RunConfig& config, const nn::ParameterLayout& layout, int rank,
                             int world_size);

/// What the workers of a run share every step with.
struct DataParallel {
  /// The gradients must have partition.padded_size() elements. All that is given must outlive it.
  DataParallel(const config::ParallelConfig& config, const Division& division, const dist::Partition& partition,
               const nn::Parameters& parameters, dist::Communicator& workers, Allocator& memory);

  dist::Communicator& workers;
  const dist::Partition& partition;
  bool sharded;                  // ZeRO: a worker updates only its slices
  std::vector<ArenaRange> mine;  // what it updates
  int64_t parts;                 // virtual ranks of this worker
  GradientReduction reduction;
  ParameterGather gather;
  optim::ArenaMeter meter;
  StepNumbers numbers;
};

}  // namespace strata::train
