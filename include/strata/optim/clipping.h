#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "strata/base/parameter.h"
#include "strata/config/train.h"

namespace strata::optim {

/// L2 norms of a step's gradients, before clipping, from one pass over the arena.
struct GradientNorms {
  std::vector<double> squares;  // of each parameter, in the layout's order
  double global = 0.0;
  double gates = 0.0;
  bool finite = true;
};

GradientNorms measure_gradients(const std::vector<ParamSpec>& params, const at::Tensor& gradients);

/// What clipping multiplies gradients by: first all of them, then the gates once more (GPAS, appendix; the order of the
/// paper's code).
struct ClipFactors {
  double global = 1.0;
  double gates = 1.0;  // the global factor included
};

/// Each factor is min(1, limit / (norm + 1e-6)); the gates' norm is the one after the first clipping.
ClipFactors clip_factors(const config::ClipConfig& limits, const GradientNorms& norms);

}  // namespace strata::optim
