#pragma once

#include <ATen/core/Tensor.h>

namespace strata::kernels {

/// The activation of GPAS's gate; leaky_relu has slope 0.01, scaled_silu is x sigmoid(8 x).
enum class GateActivation { kSilu, kIdentity, kRelu, kTanh, kLeakyRelu, kScaledSilu };

/// For every gate alpha_G (fp32 or bf16): factor_G = 1 - act(alpha), slope_G = act'(alpha), both fp32.
void gate_factors(const at::Tensor& alpha_G, GateActivation activation, const at::Tensor& factor_G,
                  const at::Tensor& slope_G);

}  // namespace strata::kernels
