// The activation of a gate and its derivative.
#pragma once

#include "scalar.inl"
#include "strata/kernels/gate_activation.h"

namespace strata::kernels {

struct GateValue {
  float activation;
  float slope;
};

STRATA_KFN GateValue gate_value(GateActivation activation, float alpha) {
  constexpr float kLeak = 0.01F;
  constexpr float kSharpness = 8.0F;
  const auto silu = [](float x, float sharpness) {
    const float s = sigmoid(sharpness * x);
    return GateValue{x * s, s * (1.0F + sharpness * x * (1.0F - s))};
  };
  switch (activation) {
    case GateActivation::kSilu:
      return silu(alpha, 1.0F);
    case GateActivation::kScaledSilu:
      return silu(alpha, kSharpness);
    case GateActivation::kIdentity:
      return {alpha, 1.0F};
    case GateActivation::kRelu:
      return alpha > 0.0F ? GateValue{alpha, 1.0F} : GateValue{0.0F, 0.0F};
    case GateActivation::kLeakyRelu:
      return alpha > 0.0F ? GateValue{alpha, 1.0F} : GateValue{kLeak * alpha, kLeak};
    case GateActivation::kTanh: {
      const float t = tanhf(alpha);
      return {t, 1.0F - t * t};
    }
  }
  return {0.0F, 0.0F};
}

}  // namespace strata::kernels
