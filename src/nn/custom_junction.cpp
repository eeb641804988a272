#include "nn/custom_junction.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include "strata/base/check.h"

namespace strata::nn {
namespace {

class AutogradJunction final : public Junction {
 public:
  AutogradJunction(const Parameters& parameters, const norm::CustomJunction& custom, const JunctionBuffers& buffers)
      : Junction(buffers), custom_(custom) {
    for (const norm::CustomParameter& parameter : custom.parameters) {
      values_.push_back(parameters.value(parameter.name));
    }
    bind_gradients(parameters);
  }

  void bind_gradients(const Parameters& parameters) override {
    gradients_.clear();
    for (const norm::CustomParameter& parameter : custom_.parameters) {
      gradients_.push_back(parameters.gradient(parameter.name));
    }
  }

  void forward(const Engine& engine, const at::Tensor& stream_ND, bool) override {
    engine.clock.enter(phase::kJunction);
    const at::NoGradGuard plain;
    const JunctionBuffers views = buffers().first(stream_ND.size(0));
    const auto [out_ND, normed_ND] = run(stream_ND, views.branch_ND, values_);
    views.stream_ND.copy_(out_ND);
    views.normed_ND.copy_(normed_ND);
    views.row_sums_N2.select(1, 0).copy_(out_ND.sum(1, false, at::kFloat));
    views.row_sums_N2.select(1, 1).copy_(out_ND.to(at::kFloat).square().sum(1));
    engine.clock.enter(nullptr);
  }

  void backward(const at::Tensor& grad_branch_ND, const at::Tensor& grad_stream_ND, const Engine& engine,
                const at::Tensor& stream_ND, const at::Tensor& grad_normed_ND) override {
    engine.clock.enter(phase::kJunction);
    const at::AutoGradMode recorded(true);
    const auto leaf = [](const at::Tensor& tensor) { return tensor.detach().set_requires_grad(true); };
    const at::Tensor x_ND = leaf(stream_ND);
    const at::Tensor f_ND = leaf(buffers().first(stream_ND.size(0)).branch_ND);
    std::vector<at::Tensor> values;
    for (const at::Tensor& value : values_) values.push_back(leaf(value));
    const auto [out_ND, normed_ND] = run(x_ND, f_ND, values);
    at::cat({out_ND, normed_ND}).backward(at::cat({grad_stream_ND, grad_normed_ND}));

    const at::NoGradGuard plain;
    write(x_ND.grad(), grad_stream_ND);
    write(f_ND.grad(), grad_branch_ND);
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].grad().defined() && gradients_[i].defined()) gradients_[i].add_(values[i].grad());
    }
    engine.clock.enter(nullptr);
  }

 private:
  std::pair<at::Tensor, at::Tensor> run(const at::Tensor& x_ND, const at::Tensor& f_ND,
                                        const std::vector<at::Tensor>& values) const {
    auto results = custom_.function(x_ND, f_ND, values);
    for (const at::Tensor& result : {results.first, results.second}) {
      STRATA_CHECK(result.sizes() == x_ND.sizes() && result.scalar_type() == x_ND.scalar_type(),
                   "a custom junction gives ", result.sizes(), " ", result.scalar_type(), " where the model has ",
                   x_ND.sizes(), " ", x_ND.scalar_type());
    }
    return results;
  }

  // A function that ignores an input leaves its gradient undefined: zero.
  static void write(const at::Tensor& grad, const at::Tensor& to) {
    if (grad.defined()) {
      to.copy_(grad);
    } else {
      to.zero_();
    }
  }

  norm::CustomJunction custom_;
  std::vector<at::Tensor> values_, gradients_;
};

}  // namespace

std::unique_ptr<Junction> make_custom_junction(const Parameters& parameters, const norm::CustomJunction& custom,
                                               const JunctionBuffers& buffers) {
  return std::make_unique<AutogradJunction>(parameters, custom, buffers);
}

}  // namespace strata::nn
