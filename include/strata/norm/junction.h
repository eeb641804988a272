#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "strata/base/gate.h"
#include "strata/base/norm.h"

namespace strata::norm {

using strata::Norm;

/// A number that may move with a run's updates, of which t, from 0, is the number:
///
///   from + (to - from) * min(max((t - begin) / length, 0), 1)^power
struct Ramp {
  double from = 1.0, to = 1.0;
  double begin = 0.0, length = 1.0;  // updates
  double power = 1.0;

  double at(int64_t update) const;
  bool is_constant() const { return from == to; }
  bool is_one() const { return is_constant() && from == 1.0; }
  bool operator==(const Ramp&) const = default;
};

/// Behind the end of every ramp.
inline constexpr int64_t kEndOfRamps = int64_t{1} << 52;

/// What happens between one branch and the next.
///
///   s  = skip_scale * x + branch_scale * branch_norm(f)      f: output of the branch just left
///   x' = out_norm(s)                          x': the residual stream from here on
///   n  = next_scale * next_norm(x')           n: what the next branch reads
///
/// The value named by `gate` is multiplied by 1 - act(alpha), alpha trained; its gradient passes as if it were not
/// (GPAS; base/gate.h has the equations forward and backward).
struct Junction {
  double skip_scale = 1.0;
  Ramp branch_scale = {};
  Norm branch_norm = Norm::kNone;
  Norm out_norm = Norm::kNone;
  Norm next_norm = Norm::kNone;
  double next_scale = 1.0;
  Gate gate = Gate::kNone;
};

/// The model's hidden size, in the shape of a parameter.
inline constexpr int64_t kHiddenSize = -1;

/// A parameter of a custom junction. Junctions that give the same name share it.
struct CustomParameter {
  std::string name;  // in full: model.layers.3.residual_scale
  std::vector<int64_t> shape{kHiddenSize};
  double start = 1.0;
};

/// (x, f, parameters in their order) -> (x', n), in differentiable ATen operations, none of them in place on an input.
/// x, f, x' and n are [N, D] in the model's dtype, and rows do not see each other.
using CustomFunction = std::function<std::pair<at::Tensor, at::Tensor>(
    const at::Tensor& stream_ND, const at::Tensor& branch_ND, const std::vector<at::Tensor>& parameters)>;

/// A junction that no norm::Junction can say. The engine keeps x and f and runs the function twice: forward as it is,
/// and under autograd in the backward. It is slower than a fused junction, allocates, and its bits are ATen's.
struct CustomJunction {
  std::vector<CustomParameter> parameters;
  CustomFunction function;
};

}  // namespace strata::norm
