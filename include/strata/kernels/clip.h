#pragma once

#include <ATen/core/Tensor.h>

#include "strata/kernels/clip_rule.h"

namespace strata::kernels {

/// Norms, factors and what is to be done. loss: 0-dim fp64. squares_P: fp64, the sum of squares of each parameter's
/// gradient, added up in order. is_gate_P: bool. outcome: fp64 [kClipNumbers], of which kHalted is read as well.
void clip(const at::Tensor& outcome, const ClipRule& rule, const at::Tensor& loss, const at::Tensor& squares_P,
          const at::Tensor& is_gate_P);

}  // namespace strata::kernels
