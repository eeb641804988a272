#include "support/reference.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>

#include <cmath>
#include <limits>

namespace strata::test {
namespace {

at::Tensor activation(GateActivation which, const at::Tensor& alpha) {
  switch (which) {
    case GateActivation::kSilu:
      return at::silu(alpha);
    case GateActivation::kIdentity:
      return alpha;
    case GateActivation::kRelu:
      return at::relu(alpha);
    case GateActivation::kTanh:
      return at::tanh(alpha);
    case GateActivation::kLeakyRelu:
      return at::leaky_relu(alpha, 0.01);
    case GateActivation::kScaledSilu:
      return alpha * at::sigmoid(8 * alpha);
  }
  return {};
}

class ReferenceModel {
 public:
  ReferenceModel(const nn::ModelSpec& spec, const TensorMap& leaves) : spec_(spec), leaves_(leaves) {}

  // ids: [T] of one row. Gives [T, V]; the streams after each layer are appended.
  at::Tensor row(const at::Tensor& ids, std::vector<at::Tensor>& hidden) const {
    at::Tensor stream = at::embedding(leaf("model.embed_tokens.weight"), ids);
    at::Tensor normed;
    std::tie(stream, normed) = junction(spec_.wiring.entry, stream, {});
    for (int64_t layer = 0; layer < spec_.dims.layers; ++layer) {
      const auto* after = &spec_.wiring.after[static_cast<size_t>(2 * layer)];
      std::tie(stream, normed) = junction(after[0], stream, attention(layer, normed));
      std::tie(stream, normed) = junction(after[1], stream, feed_forward(layer, normed));
      hidden.push_back(stream);
    }
    return at::linear(normed, leaf("lm_head.weight"));
  }

 private:
  const at::Tensor& leaf(const std::string& name) const { return leaves_.at(name); }
  const at::Tensor& weight(int64_t layer, const std::string& part) const {
    return leaf("model.layers." + std::to_string(layer) + "." + part + "_proj.weight");
  }

  at::Tensor rms(const at::Tensor& x, const at::Tensor& gain) const {
    return gain * x / (at::pow(x, 2).mean(-1, true) + spec_.dims.norm_eps).sqrt();
  }

  at::Tensor norm(Norm kind, const at::Tensor& x, const std::optional<norm::Gain>& of) const {
    if (kind == Norm::kNone) return x;
    const at::Tensor& gain = leaf(of->name);
    const norm::NormNames names = norm::names_beside(*of);
    if (kind == Norm::kScale) return gain * x;
    if (kind == Norm::kTanh) return gain * at::tanh(leaf(names.alpha) * x);
    if (kind == Norm::kErf) return gain * at::erf(leaf(names.alpha) * x + leaf(names.shift)) + leaf(names.bias);
    return rms(x, gain);
  }

  at::Tensor gate(const norm::WiredJunction& junction, Gate place, const at::Tensor& h) const {
    if (junction.rule.gate != place) return h;
    if (junction.weight) return leaf(junction.weight->name) * h;
    at::Tensor alpha = leaf(*junction.gate);
    if (!spec_.gate.learnable) alpha = alpha.detach();
    return h - activation(spec_.gate.activation, alpha) * (spec_.gate.stop_gradient ? h.detach() : h);
  }

  std::pair<at::Tensor, at::Tensor> junction(const norm::WiredJunction& wired, const at::Tensor& stream,
                                             const at::Tensor& branch) const {
    if (wired.custom) {
      std::vector<at::Tensor> parameters;
      for (const norm::CustomParameter& parameter : wired.custom->parameters)
        parameters.push_back(leaf(parameter.name));
      return wired.custom->function(stream, branch, parameters);
    }
    at::Tensor sum = wired.rule.skip_scale * gate(wired, Gate::kSkip, stream);
    if (branch.defined()) {
      const at::Tensor term = gate(wired, Gate::kBranch, norm(wired.rule.branch_norm, branch, wired.branch_gain));
      sum = sum + wired.rule.branch_scale.at(spec_.update) * term;
    }
    const at::Tensor out = norm(wired.rule.out_norm, gate(wired, Gate::kSum, sum), wired.out_gain);
    return {out, wired.rule.next_scale * gate(wired, Gate::kNorm, norm(wired.rule.next_norm, out, wired.next_gain))};
  }

  at::Tensor rotated(const at::Tensor& x_HTd) const {
    const int64_t half = spec_.dims.head_dim() / 2;
    const auto options = at::TensorOptions().dtype(at::kDouble);
    const at::Tensor frequency =
        at::pow(at::Scalar(spec_.dims.rope_theta), at::arange(half, options) * (-1.0 / static_cast<double>(half)));
    const at::Tensor angle = at::outer(at::arange(x_HTd.size(1), options), frequency);
    const at::Tensor cosine = at::cat({angle, angle}, -1).cos();
    const at::Tensor sine = at::cat({angle, angle}, -1).sin();
    const at::Tensor turned = at::cat({-x_HTd.narrow(-1, half, half), x_HTd.narrow(-1, 0, half)}, -1);
    return x_HTd * cosine + turned * sine;
  }

  at::Tensor heads(const at::Tensor& x_TW, int64_t count) const {
    return x_TW.view({x_TW.size(0), count, spec_.dims.head_dim()}).transpose(0, 1);
  }

  // With the norm that there may be, of each head or of all together, as its gain is wide.
  at::Tensor projected(int64_t layer, const std::string& which, const at::Tensor& normed) const {
    const at::Tensor x_TW = at::linear(normed, weight(layer, "self_attn." + which));
    const auto gain = leaves_.find("model.layers." + std::to_string(layer) + ".self_attn." + which + "_norm.weight");
    if (gain == leaves_.end()) return x_TW;
    return rms(x_TW.view({x_TW.size(0), -1, gain->second.numel()}), gain->second).view(x_TW.sizes());
  }

  at::Tensor attention(int64_t layer, const at::Tensor& normed) const {
    const int64_t tokens = normed.size(0);
    const int64_t group = spec_.dims.heads / spec_.dims.kv();
    const at::Tensor q = rotated(heads(projected(layer, "q", normed), spec_.dims.heads));
    const at::Tensor k = rotated(heads(projected(layer, "k", normed), spec_.dims.kv()));
    const at::Tensor v = heads(projected(layer, "v", normed), spec_.dims.kv());
    const at::Tensor future = at::ones({tokens, tokens}, at::kBool).triu(1);
    const at::Tensor scores = at::matmul(q, k.repeat_interleave(group, 0).transpose(1, 2)) /
                              std::sqrt(static_cast<double>(spec_.dims.head_dim()));
    const at::Tensor weights = at::softmax(scores.masked_fill(future, -std::numeric_limits<double>::infinity()), -1);
    const at::Tensor out = at::matmul(weights, v.repeat_interleave(group, 0)).transpose(0, 1).reshape({tokens, -1});
    return at::linear(out, weight(layer, "self_attn.o"));
  }

  at::Tensor feed_forward(int64_t layer, const at::Tensor& normed) const {
    const at::Tensor gated = at::silu(at::linear(normed, weight(layer, "mlp.gate")));
    return at::linear(gated * at::linear(normed, weight(layer, "mlp.up")), weight(layer, "mlp.down"));
  }

  const nn::ModelSpec& spec_;
  const TensorMap& leaves_;
};

}  // namespace

TensorMap reference_leaves(const TensorMap& parameters) {
  TensorMap leaves;
  for (const auto& [name, value] : parameters) {
    leaves[name] = value.detach().to(at::kDouble).clone().set_requires_grad(true);
  }
  return leaves;
}

ReferenceResult reference_forward(const nn::ModelSpec& spec, const TensorMap& leaves, const data::TokenBatch& batch) {
  const ReferenceModel model(spec, leaves);
  std::vector<at::Tensor> logits;
  std::vector<std::vector<at::Tensor>> hidden(static_cast<size_t>(spec.dims.layers));
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    const int64_t start = batch.row_starts[static_cast<size_t>(row)];
    std::vector<at::Tensor> row_hidden;
    logits.push_back(
        model.row(batch.tokens_N.narrow(0, start, batch.row_starts[static_cast<size_t>(row) + 1] - start), row_hidden));
    for (size_t layer = 0; layer < hidden.size(); ++layer) hidden[layer].push_back(row_hidden[layer]);
  }
  ReferenceResult result;
  result.logits_NV = at::cat(logits);
  for (const auto& of_layer : hidden) result.hidden_ND.push_back(at::cat(of_layer));
  result.loss = at::cross_entropy_loss(result.logits_NV, targets_N(batch), {}, 1, data::kIgnore);
  return result;
}

at::Tensor targets_N(const data::TokenBatch& batch) {
  return at::full_like(batch.tokens_N, data::kIgnore).index_copy(0, batch.loss_positions_T, batch.targets_T);
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.detach().to(at::kDouble);
  const double size = wide.norm().item<double>();
  const double error = (a.detach().to(at::kDouble) - wide).norm().item<double>();
  return size == 0.0 ? error : error / size;
}

}  // namespace strata::test
