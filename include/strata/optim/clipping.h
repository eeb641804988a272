#pragma once

#include <vector>

#include "strata/base/parameter.h"
#include "strata/config/train.h"
#include "strata/optim/arena_meter.h"

namespace strata::optim {

/// L2 norms of a step's gradients, before clipping.
struct GradientNorms {
  ArenaMeasure gradients;  // what they come from
  double global = 0.0;
  double gates = 0.0;
  bool finite = true;
};

GradientNorms gradient_norms(const std::vector<ParamSpec>& params, ArenaMeasure gradients);

/// What clipping multiplies gradients by: first all of them, then the gates once more (GPAS, appendix; the order of the
/// paper's code).
struct ClipFactors {
  double global = 1.0;
  double gates = 1.0;  // the global factor included
};

/// Each factor is min(1, limit / (norm + 1e-6)); the gates' norm is the one after the first clipping.
ClipFactors clip_factors(const config::ClipConfig& limits, const GradientNorms& norms);

}  // namespace strata::optim
