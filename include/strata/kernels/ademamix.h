#pragma once

#include "strata/kernels/update.h"

namespace strata::kernels {

/// One update of AdEMAMix (arXiv 2409.03137), of g' = factor g:
///
///   m <- beta1 m + (1 - beta1) g'   v <- beta2 v + (1 - beta2) g'^2   s <- beta3 s + (1 - beta3) g'
///   p <- p - rate ((m / correction1 + alpha s) / (sqrt(v / correction2) + eps) + decay p)
struct AdemamixUpdate {
  double rate = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double beta3 = 0.9999;  // of this update, as alpha is
  double alpha = 0.0;
  double eps = 1e-8;
  double decay = 0.0;
  double correction1 = 1.0;  // 1 - beta1^t, t from 1
  double correction2 = 1.0;
  UpdateChance chance = {};
};

/// All flat, contiguous and equally long; value, gradient and states of one dtype, fp32 or bf16.
struct AdemamixArrays {
  at::Tensor value, gradient, m, v, s;
  at::Tensor copy = {};  // bf16, gets the new values rounded; undefined: no copy
};

void ademamix(const AdemamixArrays& arrays, const AdemamixUpdate& update, const UpdateScale& scale);

}  // namespace strata::kernels
