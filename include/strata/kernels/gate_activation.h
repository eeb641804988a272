#pragma once

namespace strata::kernels {

/// The activation of GPAS's gate; leaky_relu has slope 0.01, scaled_silu is x sigmoid(8 x).
enum class GateActivation { kSilu, kIdentity, kRelu, kTanh, kLeakyRelu, kScaledSilu };

}  // namespace strata::kernels
