#pragma once

#include <cstdint>
#include <vector>

#include "strata/config/lisa.h"

namespace strata::optim {

/// Which layers LISA (arXiv 2403.17919, algorithm 1) trains in each of its periods: lisa.layers of them without
/// replacement, a function of seed and period alone.
class LisaDraws {
 public:
  /// weights: how likely each layer is drawn, beside the others; greater than 0.
  LisaDraws(const config::LisaConfig& config, uint64_t run_seed, std::vector<double> weights);

  /// Rising.
  std::vector<int64_t> layers_of(int64_t period) const;

 private:
  int64_t count_;
  uint64_t seed_;
  std::vector<double> weights_;
};

}  // namespace strata::optim
