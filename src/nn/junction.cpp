#include "nn/junction.h"

#include "nn/custom_junction.h"
#include "strata/kernels/junction.h"

namespace strata::nn {
namespace {

at::Tensor first_rows(const at::Tensor& tensor, int64_t tokens) {
  return tensor.defined() ? tensor.narrow(0, 0, tokens) : tensor;
}

at::Tensor value_of(const Parameters& parameters, const std::optional<norm::Gain>& gain) {
  return gain ? parameters.value(gain->name) : at::Tensor();
}

kernels::JunctionNorm norm_of(const Parameters& parameters, Norm kind, const std::optional<norm::Gain>& gain) {
  kernels::JunctionNorm norm{.kind = kind, .gain_D = value_of(parameters, gain)};
  if (!gain || !has_alpha(kind)) return norm;
  const norm::NormNames names = norm::names_beside(*gain);
  norm.alpha = parameters.value(names.alpha);
  if (has_shift_and_bias(kind)) {
    norm.bias_D = parameters.value(names.bias);
    norm.shift = parameters.value(names.shift);
  }
  return norm;
}

kernels::JunctionNormGradients gradients_of(const Parameters& parameters, Norm kind,
                                            const std::optional<norm::Gain>& gain) {
  if (!gain) return {};
  kernels::JunctionNormGradients gradients{.gain_D = parameters.gradient(gain->name)};
  const norm::NormNames names = norm::names_beside(*gain);
  if (has_alpha(kind)) gradients.alpha = parameters.gradient(names.alpha);
  if (has_shift_and_bias(kind)) {
    gradients.bias_D = parameters.gradient(names.bias);
    gradients.shift = parameters.gradient(names.shift);
  }
  return gradients;
}

class FusedJunction final : public Junction {
 public:
  FusedJunction(const Parameters& parameters, const ModelSpec& spec, const norm::WiredJunction& wired,
                const JunctionBuffers& buffers, const at::Tensor& branch_scale, const at::Tensor& scratch);
  void bind_gradients(const Parameters& parameters) override;
  void forward(const Engine& engine, const at::Tensor& stream_ND, bool at_entry) override;
  void backward(const at::Tensor& grad_branch_ND, const at::Tensor& grad_stream_ND, const Engine& engine,
                const at::Tensor& stream_ND, const at::Tensor& grad_normed_ND) override;

 private:
  kernels::JunctionSaved saved(const JunctionBuffers& views) const;

  norm::WiredJunction wired_;
  std::string learned_factor_;  // the name of its gate or weight; empty: there is none
  kernels::JunctionRule rule_;
  kernels::JunctionParameterGradients gradients_;
  at::Tensor scratch_;
};

FusedJunction::FusedJunction(const Parameters& parameters, const ModelSpec& spec, const norm::WiredJunction& wired,
                             const JunctionBuffers& buffers, const at::Tensor& branch_scale, const at::Tensor& scratch)
    : Junction(buffers),
      wired_(wired),
      learned_factor_(wired.weight                        ? wired.weight->name
                      : wired.gate && spec.gate.learnable ? *wired.gate
                                                          : ""),
      rule_{.skip_scale = wired.rule.skip_scale,
            .next_scale = wired.rule.next_scale,
            .eps = spec.dims.norm_eps,
            .gate = wired.rule.gate,
            .stop_gradient = spec.gate.stop_gradient && !wired.weight,
            .activation = spec.gate.activation,
            .branch_norm = norm_of(parameters, wired.rule.branch_norm, wired.branch_gain),
            .out_norm = norm_of(parameters, wired.rule.out_norm, wired.out_gain),
            .next_norm = norm_of(parameters, wired.rule.next_norm, wired.next_gain),
            .alpha = wired.gate ? parameters.gate(*wired.gate) : value_of(parameters, wired.weight),
            .alpha_is_factor = wired.weight.has_value(),
            .branch_scale = branch_scale},
      scratch_(scratch) {
  bind_gradients(parameters);
}

void FusedJunction::bind_gradients(const Parameters& parameters) {
  gradients_.branch_norm = gradients_of(parameters, wired_.rule.branch_norm, wired_.branch_gain);
  gradients_.out_norm = gradients_of(parameters, wired_.rule.out_norm, wired_.out_gain);
  gradients_.next_norm = gradients_of(parameters, wired_.rule.next_norm, wired_.next_gain);
  if (!learned_factor_.empty()) gradients_.gate = parameters.gradient(learned_factor_);
}

kernels::JunctionSaved FusedJunction::saved(const JunctionBuffers& views) const {
  const auto statistics = [&](const kernels::JunctionNorm& norm, int64_t which) {
    return norm.kind != Norm::kNone ? views.statistics_3N.select(0, which) : at::Tensor();
  };
  return {.sum_ND = views.sum_ND,
          .branch_rstd_N = statistics(rule_.branch_norm, 0),
          .out_rstd_N = statistics(rule_.out_norm, 1),
          .next_rstd_N = statistics(rule_.next_norm, 2)};
}

void FusedJunction::forward(const Engine& engine, const at::Tensor& stream_ND, bool at_entry) {
  engine.clock.enter(phase::kJunction);
  const JunctionBuffers views = buffers().first(stream_ND.size(0));
  kernels::junction_forward({.stream_ND = views.stream_ND,
                             .normed_ND = views.normed_is_stream ? at::Tensor() : views.normed_ND,
                             .row_sums_N2 = views.row_sums_N2},
                            saved(views), rule_,
                            {.stream_ND = stream_ND, .branch_ND = at_entry ? at::Tensor() : views.branch_ND});
  engine.clock.enter(nullptr);
}

void FusedJunction::backward(const at::Tensor& grad_branch_ND, const at::Tensor& grad_stream_ND, const Engine& engine,
                             const at::Tensor& stream_ND, const at::Tensor& grad_normed_ND) {
  engine.clock.enter(phase::kJunction);
  const JunctionBuffers views = buffers().first(stream_ND.size(0));
  kernels::junction_backward({.stream_ND = grad_stream_ND, .branch_ND = grad_branch_ND, .parameters = gradients_},
                             scratch_, rule_, saved(views), {.stream_ND = stream_ND, .branch_ND = views.branch_ND},
                             grad_normed_ND);
  engine.clock.enter(nullptr);
}

}  // namespace

JunctionBuffers JunctionBuffers::first(int64_t tokens) const {
  return {.sum_ND = first_rows(sum_ND, tokens),
          .stream_ND = first_rows(stream_ND, tokens),
          .normed_ND = first_rows(normed_ND, tokens),
          .branch_ND = first_rows(branch_ND, tokens),
          .statistics_3N = statistics_3N,
          .row_sums_N2 = first_rows(row_sums_N2, tokens),
          .normed_is_stream = normed_is_stream};
}

std::unique_ptr<Junction> make_junction(const Parameters& parameters, const ModelSpec& spec,
                                        const norm::WiredJunction& wired, const JunctionBuffers& buffers,
                                        const at::Tensor& branch_scale, const at::Tensor& scratch) {
  if (wired.custom) return make_custom_junction(parameters, *wired.custom, buffers);
  return std::make_unique<FusedJunction>(parameters, spec, wired, buffers, branch_scale, scratch);
}

}  // namespace strata::nn
