#pragma once

#include <span>

#include "strata/config/train.h"
#include "strata/kernels/clip.h"
#include "strata/optim/arena_meter.h"

namespace strata::optim {

/// L2 norms of a step's gradients, before clipping.
struct GradientNorms {
  ArenaMeasure gradients;  // what they come from
  double global = 0.0;
  double gates = 0.0;
};

/// What clipping multiplies gradients by: first all of them, then the gates once more.
struct ClipFactors {
  double global = 1.0;
  double gates = 1.0;  // the global factor included
};

kernels::ClipRule clip_rule(const config::TrainConfig& config);

}  // namespace strata::optim
