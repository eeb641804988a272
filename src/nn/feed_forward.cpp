#include "nn/feed_forward.h"

#include "strata/kernels/swiglu.h"

namespace strata::nn {
namespace {

std::string mlp_projection(int64_t layer, const char* which) {
  return "model.layers." + std::to_string(layer) + ".mlp." + which + "_proj.weight";
}

}  // namespace

FeedForward::FeedForward(const Parameters& parameters, int64_t layer, const at::Tensor& gate_up_N2F,
                         const at::Tensor& activation_NF, bool recompute)
    : layer_(layer),
      in_weight_2FD_(parameters.stacked_values(mlp_projection(layer, "gate"), mlp_projection(layer, "up"))),
      down_weight_DF_(parameters.whole_value(mlp_projection(layer, "down"))),
      gate_up_N2F_(gate_up_N2F),
      activation_NF_(activation_NF),
      recompute_(recompute) {
  bind_gradients(parameters);
}

void FeedForward::bind_gradients(const Parameters& parameters) {
  in_grad_2FD_ = parameters.stacked_gradients(mlp_projection(layer_, "gate"), mlp_projection(layer_, "up"));
  down_grad_DF_ = parameters.whole_gradient(mlp_projection(layer_, "down"));
}

void FeedForward::forward(const at::Tensor& branch_ND, const Engine& engine, const at::Tensor& normed_ND) {
  const at::Tensor gate_up = gate_up_N2F_.narrow(0, 0, normed_ND.size(0));
  const at::Tensor activation = activation_NF_.narrow(0, 0, normed_ND.size(0));
  engine.multiply(phase::kGemmFeedForward, gate_up, normed_ND, in_weight_2FD_.t());
  engine.clock.enter(phase::kSwiglu);
  kernels::swiglu(activation, gate_up);
  engine.multiply(phase::kGemmFeedForward, branch_ND, activation, down_weight_DF_.t());
}

void FeedForward::backward(const at::Tensor& grad_normed_ND, const Engine& engine, const at::Tensor& normed_ND,
                           const at::Tensor& grad_branch_ND) {
  const at::Tensor gate_up = gate_up_N2F_.narrow(0, 0, normed_ND.size(0));
  const at::Tensor activation = activation_NF_.narrow(0, 0, normed_ND.size(0));
  if (recompute_) engine.multiply(phase::kGemmFeedForward, gate_up, normed_ND, in_weight_2FD_.t());
  engine.multiply(phase::kGemmFeedForward, activation, grad_branch_ND, down_weight_DF_);
  engine.clock.enter(phase::kSwiglu);
  kernels::swiglu_backward_in_place(gate_up, activation);
  if (down_grad_DF_.defined()) {
    engine.multiply(phase::kGemmFeedForward, down_grad_DF_, grad_branch_ND.t(), activation, true);
  }
  if (in_grad_2FD_.defined()) {
    engine.multiply(phase::kGemmFeedForward, in_grad_2FD_, gate_up.t(), normed_ND, true);
  }
  engine.multiply(phase::kGemmFeedForward, grad_normed_ND, gate_up, in_weight_2FD_);
}

}  // namespace strata::nn
