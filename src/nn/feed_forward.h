#pragma once

#include "nn/engine.h"
#include "strata/nn/parameters.h"

namespace strata::nn {

/// SwiGLU feed-forward without norm and residual: branch = down(silu(gate(normed)) * up(normed)).
///
/// gate_up_N2F keeps gate and up from forward to backward; with `recompute` it may be shared by all layers and is
/// computed again. activation_NF is workspace.
class FeedForward {
 public:
  FeedForward(const Parameters& parameters, int64_t layer, const at::Tensor& gate_up_N2F,
              const at::Tensor& activation_NF, bool recompute);

  /// Its weights' gradients are where the parameters have them now; frozen weights have none.
  void bind_gradients(const Parameters& parameters);

  void forward(const at::Tensor& branch_ND, const Engine& engine, const at::Tensor& normed_ND);
  /// Adds the weights' gradients where they have any; writes grad_normed_ND.
  void backward(const at::Tensor& grad_normed_ND, const Engine& engine, const at::Tensor& normed_ND,
                const at::Tensor& grad_branch_ND);

 private:
  int64_t layer_;
  at::Tensor in_weight_2FD_, down_weight_DF_;
  at::Tensor in_grad_2FD_, down_grad_DF_;
  at::Tensor gate_up_N2F_, activation_NF_;
  bool recompute_;
};

}  // namespace strata::nn
