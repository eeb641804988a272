#include "strata/nn/junction.h"

#include <ATen/ops/zeros.h>

#include "custom_junction.h"
#include "strata/kernels/gate.h"
#include "strata/kernels/junction.h"

namespace strata::nn {
namespace {

at::Tensor first_rows(const at::Tensor& tensor, int64_t tokens) {
  return tensor.defined() ? tensor.narrow(0, 0, tokens) : tensor;
}

at::Tensor value_of(const Parameters& parameters, const std::optional<norm::Gain>& gain) {
  return gain ? parameters.value(gain->name) : at::Tensor();
}

at::Tensor gradient_of(const Parameters& parameters, const std::optional<norm::Gain>& gain) {
  return gain ? parameters.gradient(gain->name) : at::Tensor();
}

class FusedJunction final : public Junction {
 public:
  FusedJunction(const Parameters& parameters, const ModelSpec& spec, const norm::WiredJunction& wired,
                const JunctionBuffers& buffers, const at::Tensor& scratch);
  void bind_gradients(const Parameters& parameters) override;
  void forward(const Engine& engine, const at::Tensor& stream_ND, int64_t tokens, bool at_entry) const override;
  void backward(const Engine& engine, const at::Tensor& stream_ND, const at::Tensor& grad_normed_ND,
                const at::Tensor& grad_stream_ND, const at::Tensor& grad_branch_ND) const override;

 private:
  kernels::JunctionSaved saved(const JunctionBuffers& views) const;

  norm::WiredJunction wired_;
  bool gate_learns_;
  kernels::JunctionRule rule_;
  kernels::JunctionGradients gradients_;
  kernels::GateActivation activation_;
  at::Tensor alpha_;  // undefined: no gate
  at::Tensor scratch_;
};

FusedJunction::FusedJunction(const Parameters& parameters, const ModelSpec& spec, const norm::WiredJunction& wired,
                             const JunctionBuffers& buffers, const at::Tensor& scratch)
    : Junction(buffers),
      wired_(wired),
      gate_learns_(spec.gate.learnable),
      rule_{.skip_scale = wired.rule.skip_scale,
            .next_scale = wired.rule.next_scale,
            .eps = spec.dims.norm_eps,
            .gate = static_cast<kernels::GatePlace>(wired.rule.gate),
            .stop_gradient = spec.gate.stop_gradient,
            .branch_gain_D = value_of(parameters, wired.branch_gain),
            .out_gain_D = value_of(parameters, wired.out_gain),
            .next_gain_D = value_of(parameters, wired.next_gain),
            .factor = {}},
      activation_(static_cast<kernels::GateActivation>(spec.gate.activation)),
      scratch_(scratch) {
  if (wired.gate) {
    alpha_ = parameters.master(*wired.gate);
    const auto options = alpha_.options().dtype(at::kFloat);
    rule_.factor = at::zeros({}, options);
    gradients_.slope = at::zeros({}, options);
  }
  bind_gradients(parameters);
}

void FusedJunction::bind_gradients(const Parameters& parameters) {
  gradients_.branch_gain_D = gradient_of(parameters, wired_.branch_gain);
  gradients_.out_gain_D = gradient_of(parameters, wired_.out_gain);
  gradients_.next_gain_D = gradient_of(parameters, wired_.next_gain);
  if (wired_.gate && gate_learns_) gradients_.gate = parameters.gradient(*wired_.gate);
}

kernels::JunctionSaved FusedJunction::saved(const JunctionBuffers& views) const {
  const auto statistics = [&](const at::Tensor& gain_D, int64_t which) {
    return gain_D.defined() ? buffers().statistics_3N.select(0, which) : at::Tensor();
  };
  return {.sum_ND = views.sum_ND,
          .branch_rstd_N = statistics(rule_.branch_gain_D, 0),
          .out_rstd_N = statistics(rule_.out_gain_D, 1),
          .next_rstd_N = statistics(rule_.next_gain_D, 2)};
}

void FusedJunction::forward(const Engine& engine, const at::Tensor& stream_ND, int64_t tokens, bool at_entry) const {
  engine.clock.enter(phase::kJunction);
  if (alpha_.defined()) kernels::gate_factors(alpha_, activation_, rule_.factor, gradients_.slope);
  const JunctionBuffers views = buffers().first(tokens);
  const bool normed_is_stream =
      views.normed_ND.is_same(views.stream_ND) || views.normed_ND.data_ptr() == views.stream_ND.data_ptr();
  kernels::junction_forward(rule_, stream_ND, at_entry ? at::Tensor() : views.branch_ND, saved(views), views.stream_ND,
                            normed_is_stream ? at::Tensor() : views.normed_ND, views.row_sums_N2);
  engine.clock.enter(nullptr);
}

void FusedJunction::backward(const Engine& engine, const at::Tensor& stream_ND, const at::Tensor& grad_normed_ND,
                             const at::Tensor& grad_stream_ND, const at::Tensor& grad_branch_ND) const {
  engine.clock.enter(phase::kJunction);
  const JunctionBuffers views = buffers().first(grad_stream_ND.size(0));
  kernels::junction_backward(rule_, saved(views), stream_ND, views.branch_ND, grad_normed_ND, grad_stream_ND,
                             grad_branch_ND, gradients_, scratch_);
  engine.clock.enter(nullptr);
}

}  // namespace

JunctionBuffers JunctionBuffers::first(int64_t tokens) const {
  return {.sum_ND = first_rows(sum_ND, tokens),
          .stream_ND = first_rows(stream_ND, tokens),
          .normed_ND = first_rows(normed_ND, tokens),
          .branch_ND = first_rows(branch_ND, tokens),
          .statistics_3N = statistics_3N,
          .row_sums_N2 = first_rows(row_sums_N2, tokens)};
}

std::unique_ptr<Junction> make_junction(const Parameters& parameters, const ModelSpec& spec,
                                        const norm::WiredJunction& wired, const JunctionBuffers& buffers,
                                        const at::Tensor& scratch) {
  if (wired.custom) return make_custom_junction(parameters, *wired.custom, buffers);
  return std::make_unique<FusedJunction>(parameters, spec, wired, buffers, scratch);
}

}  // namespace strata::nn
