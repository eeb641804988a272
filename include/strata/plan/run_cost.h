#pragma once

#include "strata/config/run_config.h"
#include "strata/nn/model_spec.h"

namespace strata::plan {

/// What a run comes to. Rows are taken to be as long as they may be; rows of documents have fewer tokens.
struct RunCost {
  double flops_per_token = 0.0;       // of the model: nn::flops_per_token
  double recomputed_per_token = 0.0;  // FLOPs on top that train.recompute costs
  double update = 0.0;                // FLOPs of the matrix products in a step's update
  int64_t tokens_per_step = 0;
  int64_t steps = 0;
  int64_t checkpoint_bytes = 0;
  int64_t kept_checkpoints = 0;  // at the end, those with the lowest loss counted as if they were others
  bool keeps_all = false;

  double flops_per_step() const {
    return (flops_per_token + recomputed_per_token) * static_cast<double>(tokens_per_step) + update;
  }
};

/// train.recompute must not be auto. Throws config::KeyError for a schedule that does not fit the steps.
RunCost cost_of(const config::RunConfig& config, const nn::ModelSpec& spec);

}  // namespace strata::plan
