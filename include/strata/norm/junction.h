#pragma once

namespace strata::norm {

/// RMSNorm with a gain:  norm(x) = gain * x / sqrt(mean(x^2) + eps)
enum class Norm { kNone, kRms };

/// Which value a junction's GPAS gate multiplies. At most one is in force.
enum class Gate {
  kNone,
  kSum,     // the residual sum, before out_norm
  kSkip,    // the residual stream on its way into the sum
  kBranch,  // the branch's output (after branch_norm) on its way into the sum
  kNorm,    // what the next branch reads, after next_norm
};

/// What happens between one branch and the next.
///
///   s  = skip_scale * x + branch_norm(f)      f: output of the branch just left
///   x' = out_norm(s)                          x': the residual stream from here on
///   n  = next_scale * next_norm(x')           n: what the next branch reads
///
/// The gate alpha multiplies the value y named by `gate` (GPAS, arXiv 2506.22049, eq. 3):
/// forward by 1 - silu(alpha); backward by 1 (stop-gradient), so the layers below train as if it were not there.
struct Junction {
  double skip_scale = 1.0;
  Norm branch_norm = Norm::kNone;
  Norm out_norm = Norm::kNone;
  Norm next_norm = Norm::kNone;
  double next_scale = 1.0;
  Gate gate = Gate::kNone;
};

}  // namespace strata::norm
