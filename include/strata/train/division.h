#pragma once

#include <cstdint>
#include <vector>

#include "strata/config/run_config.h"

namespace strata::train {

/// Who computes which micro-batches of a global batch.
///
/// parallel.order: fixed. The micro-batches belong to `virtual_ranks` of equal size. A worker computes some of
/// them, one after another; gradients are added up within a rank, and the ranks in one binary tree: numbers that
/// do not depend on who computes what. fast: every worker is one part.
struct Division {
  int64_t micro_batches = 1;  // of a global batch
  int64_t virtual_ranks = 1;
  int64_t world_size = 1;

  int64_t ranks_per_worker() const { return virtual_ranks / world_size; }
  int64_t micro_batches_per_part() const { return micro_batches / virtual_ranks; }
  /// Those of a worker, in the order in which it computes them.
  std::vector<int64_t> micro_batches_of(int64_t rank) const;
};

/// Throws UsageError, naming the keys and numbers that would fit, where the work cannot be divided so.
Division divide(const config::RunConfig& config, int64_t world_size);

}  // namespace strata::train
