// GPAS's gate (base/gate.h has its equations): what it multiplies by, and what its own gradient is made of.
#pragma once

#include "scalar.inl"
#include "strata/base/gate.h"

namespace strata::kernels {

struct GateValue {
  float factor;  // 1 - act(alpha)
  float slope;   // act'(alpha)
};

STRATA_KFN GateValue gate_value(GateActivation activation, float alpha) {
  constexpr float kLeak = 0.01F;
  constexpr float kSharpness = 8.0F;
  const auto gate = [](float act, float slope) { return GateValue{1.0F - act, slope}; };
  const auto silu = [&](float sharpness) {
    const float s = sigmoid(sharpness * alpha);
    return gate(alpha * s, s * (1.0F + sharpness * alpha * (1.0F - s)));
  };
  switch (activation) {
    case GateActivation::kSilu:
      return silu(1.0F);
    case GateActivation::kScaledSilu:
      return silu(kSharpness);
    case GateActivation::kIdentity:
      return gate(alpha, 1.0F);
    case GateActivation::kRelu:
      return alpha > 0.0F ? gate(alpha, 1.0F) : gate(0.0F, 0.0F);
    case GateActivation::kLeakyRelu:
      return alpha > 0.0F ? gate(alpha, 1.0F) : gate(kLeak * alpha, kLeak);
    case GateActivation::kTanh: {
      const float t = tanhf(alpha);
      return gate(t, 1.0F - t * t);
    }
  }
  return gate(0.0F, 0.0F);
}

/// dL/dalpha = -act'(alpha) sum(dL/dy * h), of the sum that junction_backward_row adds up row by row.
STRATA_KFN float gate_gradient(float slope, double sum) { return -slope * static_cast<float>(sum); }

}  // namespace strata::kernels
