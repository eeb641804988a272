#pragma once

#include "strata/kernels/update.h"

namespace strata::kernels {

/// One update of Lion (arXiv 2302.06675), of g' = factor g:
///
///   p <- p - rate (sign(beta1 m + (1 - beta1) g') + decay p)      sign(0) = 0
///   m <- beta2 m + (1 - beta2) g'
struct LionUpdate {
  double rate = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double decay = 0.0;
  UpdateChance chance = {};
};

/// All flat, contiguous and equally long; value, gradient and m of one dtype, fp32 or bf16.
struct LionArrays {
  at::Tensor value, gradient, m;
  at::Tensor copy = {};  // bf16, gets the new values rounded; undefined: no copy
};

void lion(const LionArrays& arrays, const LionUpdate& update, const UpdateScale& scale);

}  // namespace strata::kernels
