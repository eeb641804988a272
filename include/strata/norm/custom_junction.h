#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace strata::norm {

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
