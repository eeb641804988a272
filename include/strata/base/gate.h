#pragma once

#include <array>
#include <string_view>

namespace strata {

// GPAS, gradient-preserving activation scaling (arXiv 2506.22049, eq. 3), of a value h by a trained number alpha:
//
//   y = h - act(alpha) stop_gradient(h) = (1 - act(alpha)) h
//
//   dL/dh = dL/dy                                     without stop_gradient: (1 - act(alpha)) dL/dy
//   dL/dalpha = -act'(alpha) sum(dL/dy * h)           over all elements
//
// src/kernels/gate.inl computes it; src/kernels/junction.inl says which value of a junction is h.

/// The value of a junction (norm/junction.h has its equation) that its gate multiplies. At most one is in force.
enum class Gate {
  kNone,
  kSum,     // the residual sum, before out_norm
  kSkip,    // the residual stream on its way into the sum
  kBranch,  // the branch's output, after branch_norm, on its way into the sum
  kNorm,    // what the next branch reads, after next_norm
};
constexpr std::array<std::string_view, 5> enum_names(Gate) { return {"none", "sum", "skip", "branch", "norm"}; }

/// act of a gate. leaky_relu has slope 0.01 below 0, scaled_silu is x sigmoid(8 x).
enum class GateActivation { kSilu, kIdentity, kRelu, kTanh, kLeakyRelu, kScaledSilu };
constexpr std::array<std::string_view, 6> enum_names(GateActivation) {
  return {"silu", "identity", "relu", "tanh", "leaky_relu", "scaled_silu"};
}

}  // namespace strata
