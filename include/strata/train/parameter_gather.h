#pragma once

#include <deque>

#include "strata/base/allocator.h"
#include "strata/nn/parameters.h"
#include "strata/workers/communicator.h"
#include "strata/workers/partition.h"

namespace strata::train {

/// ZeRO: after every worker has updated its slices of the parameters, brings what the model computes with to all,
/// bucket by bucket, first what the next forward pass reads first.
class ParameterGather {
 public:
  /// All that is given must outlive it, the allocator excepted.
  ParameterGather(nn::Parameters& parameters, const workers::Partition& partition, workers::Communicator& workers,
                  Allocator& allocator);
  ParameterGather(const ParameterGather&) = delete;
  ParameterGather& operator=(const ParameterGather&) = delete;

  /// This worker's slices are new.
  void start();
  /// Returns when the parameters up to the end of the section are there.
  void wait_for(const ArenaRange& section);
  void finish() { wait_for({0, partition_.padded_size()}); }

  /// The whole arena of master values into `arena`, of which only those that want it have one: a collective where they
  /// are shared.
  void collect_master(const at::Tensor& arena);

 private:
  struct Arriving {
    ArenaRange bucket;
    workers::Handle work;
  };

  nn::Parameters& parameters_;
  const workers::Partition& partition_;
  workers::Communicator& workers_;
  std::deque<Arriving> arriving_;  // rising
  // Where master values are shared:
  at::Tensor places_of_gates_G_;  // in those that are here; -1: elsewhere
  at::Tensor bucket_;             // of master values on their way to who wants all
};

}  // namespace strata::train
