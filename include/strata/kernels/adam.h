#pragma once

#include "strata/kernels/update.h"

namespace strata::kernels {

/// One update of Adam (arXiv 1412.6980) or AdamW (1711.05101), as torch.optim computes it:
///
///   g' = factor g + decay p                            (Adam; AdamW: p <- p - rate decay p instead)
///   m <- beta1 m + (1 - beta1) g'      v <- beta2 v + (1 - beta2) g'^2
///   p <- p - rate (m / correction1) / (sqrt(v / correction2) + eps)
struct AdamUpdate {
  double rate = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double decay = 0.0;
  bool decoupled = false;    // AdamW
  double correction1 = 1.0;  // 1 - beta1^t, t from 1
  double correction2 = 1.0;
  UpdateChance chance = {};
};

/// All flat, contiguous and equally long; value, gradient, m and v of one dtype, fp32 or bf16.
struct AdamArrays {
  at::Tensor value, gradient, m, v;
  at::Tensor copy = {};  // bf16, gets the new values rounded; undefined: no copy
};

void adam(const AdamArrays& arrays, const AdamUpdate& update, const UpdateScale& scale);

}  // namespace strata::kernels
