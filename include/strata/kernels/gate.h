#pragma once

#include <ATen/core/Tensor.h>

#include "strata/kernels/gate_activation.h"

namespace strata::kernels {

/// For every gate alpha_G (fp32 or bf16): factor_G = 1 - act(alpha), slope_G = act'(alpha), both fp32.
void gate_factors(const at::Tensor& alpha_G, GateActivation activation, const at::Tensor& factor_G,
                  const at::Tensor& slope_G);

}  // namespace strata::kernels
