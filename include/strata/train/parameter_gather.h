#pragma once

#include <deque>

#include "strata/nn/parameters.h"
#include "strata/workers/communicator.h"
#include "strata/workers/partition.h"

namespace strata::train {

/// ZeRO: after every worker has updated its slices of the parameters, brings all of them to all, bucket by bucket,
/// first those that the next forward pass reads first.
class ParameterGather {
 public:
  /// All that is given must outlive it.
  ParameterGather(nn::Parameters& parameters, const workers::Partition& partition, workers::Communicator& workers)
      : parameters_(parameters), partition_(partition), workers_(workers) {}
  ParameterGather(const ParameterGather&) = delete;
  ParameterGather& operator=(const ParameterGather&) = delete;

  /// The master values of this worker's slices are new.
  void start();
  /// Returns when the parameters up to the end of the section are there.
  void wait_for(const ArenaRange& section);
  void finish() { wait_for({0, partition_.padded_size()}); }

 private:
  struct Arriving {
    ArenaRange bucket;
    workers::Handle work;
  };

  nn::Parameters& parameters_;
  const workers::Partition& partition_;
  workers::Communicator& workers_;
  std::deque<Arriving> arriving_;  // rising
};

}  // namespace strata::train
