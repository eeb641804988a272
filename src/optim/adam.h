#pragma once

#include "arena_optimizer.h"

namespace strata::optim {

/// Adam and AdamW, one pass over the arenas.
class Adam : public ArenaOptimizer {
 public:
  Adam(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges,
       Allocator& allocator);

 protected:
  /// For optimizers that leave some parameters to AdamW: is_of: which.
  Adam(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges, Allocator& allocator,
       bool (*is_of)(const ParamSpec&), bool (*moves_whole)(const ParamSpec&));

  void update_run(const RunArrays& run, const RunUpdate& update) final;
};

}  // namespace strata::optim
