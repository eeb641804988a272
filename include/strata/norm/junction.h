#pragma once

#include "strata/base/gate.h"

namespace strata::norm {

/// RMSNorm with a gain:  norm(x) = gain * x / sqrt(mean(x^2) + eps)
enum class Norm { kNone, kRms };

/// What happens between one branch and the next.
///
///   s  = skip_scale * x + branch_norm(f)      f: output of the branch just left
///   x' = out_norm(s)                          x': the residual stream from here on
///   n  = next_scale * next_norm(x')           n: what the next branch reads
///
/// The value named by `gate` is multiplied by 1 - act(alpha), alpha trained; its gradient passes as if it were not
/// (GPAS; base/gate.h has the equations forward and backward).
struct Junction {
  double skip_scale = 1.0;
  Norm branch_norm = Norm::kNone;
  Norm out_norm = Norm::kNone;
  Norm next_norm = Norm::kNone;
  double next_scale = 1.0;
  Gate gate = Gate::kNone;
};

}  // namespace strata::norm
