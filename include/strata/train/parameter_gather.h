#pragma once

#include <deque>

#include "strata/dist/communicator.h"
#include "strata/dist/partition.h"
#include "strata/nn/parameters.h"

namespace strata::train {

/// ZeRO: after every worker has updated its slices of the parameters, brings all of them to all, bucket by bucket,
/// first those that the next forward pass reads first.
class ParameterGather {
 public:
  /// All that is given must outlive it.
  ParameterGather(const nn::Parameters& parameters, const dist::Partition& partition, dist::Communicator& workers)
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
    dist::Handle work;
  };

  const nn::Parameters& parameters_;
  const dist::Partition& partition_;
  dist::Communicator& workers_;
  std::deque<Arriving> arriving_;  // rising
};

}  // namespace strata::train
