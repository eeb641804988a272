#pragma once

#include <vector>

#include "strata/nn/model.h"
#include "strata/nn/parameters.h"
#include "strata/train/division.h"
#include "strata/workers/communicator.h"
#include "strata/workers/partition.h"

namespace strata::train {

/// Adds up the gradients of a step: of this worker's virtual ranks, and of all workers.
///
/// The partial sums meet in one binary tree over the virtual ranks, (0 + 1) + (2 + 3) + ..., first on each worker and
/// then across them, so that the bits do not depend on the number of workers (with SumOrder::kFixed). While the last
/// micro-batch is on its way back through the layers, the buckets whose gradients are final already travel.
class GradientReduction {
 public:
  struct Options {
    workers::SumOrder order = workers::SumOrder::kFixed;
    bool sharded = false;  // ZeRO: a worker needs the sums of its own slices only
  };

  /// Takes the memory for partial sums. All that is given must outlive it.
  GradientReduction(nn::Parameters& parameters, const workers::Partition& partition, const Division& division,
                    workers::Communicator& workers, const Options& options, Allocator& allocator);

  /// A step begins: the gradients are nought.
  void begin();

  /// To be handed to the backward pass of a virtual rank's last micro-batch; empty where nobody waits for its
  /// gradients.
  nn::FinalGradients when_final();

  /// After the last micro-batch of a virtual rank of this worker.
  void end_virtual_rank();

  /// Returns when the sums are in the gradient arena: all of them, or this worker's slices where it is sharded.
  void finish();

 private:
  bool is_last_virtual_rank() const { return virtual_rank_ + 1 == virtual_ranks_; }
  void add_partial_sums(const ArenaRange& range, size_t count);
  void send_down_to(int64_t begin);
  at::Tensor range_of(const at::Tensor& arena, const ArenaRange& range) const;

  nn::Parameters& parameters_;
  const workers::Partition& partition_;
  workers::Communicator& workers_;
  Options options_;
  int64_t virtual_ranks_;
  int64_t virtual_rank_ = 0;              // of this worker's: the one that is being computed
  std::vector<at::Tensor> partial_sums_;  // of 1, 2, 4, ... virtual ranks, where they wait for their other half
  size_t next_bucket_ = 0;                // from the end
  std::vector<workers::Handle> under_way_;
};

}  // namespace strata::train
