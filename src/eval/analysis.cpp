#include "strata/eval/analysis.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "strata/base/check.h"
#include "strata/kernels/junction.h"
#include "strata/train/layer_statistics.h"

namespace strata::eval {
namespace {

constexpr int64_t kNumbersAtOnce = int64_t{1} << 22;  // fp64: of the streams that are compared together

std::vector<double> numbers_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.cpu().contiguous();
  const auto* first = flat.const_data_ptr<double>();
  return {first, first + flat.numel()};
}

// Sums over tokens of how the streams at P places lie to each other.
class StreamSums {
 public:
  // Streams [N, D] of the same tokens, one of each place.
  void add(const std::vector<at::Tensor>& streams_ND) {
    const int64_t tokens = streams_ND.front().size(0);
    const int64_t of_token = std::ssize(streams_ND) * streams_ND.front().size(1);
    const int64_t at_once = std::max<int64_t>(kNumbersAtOnce / of_token, 1);
    for (int64_t begin = 0; begin < tokens; begin += at_once) {
      std::vector<at::Tensor> part_ND;
      for (const at::Tensor& stream_ND : streams_ND) {
        part_ND.push_back(stream_ND.narrow(0, begin, std::min(at_once, tokens - begin)));
      }
      add_stacked(at::stack(part_ND, 1).to(at::kDouble));
    }
  }

  std::vector<std::vector<double>> angular_distance() const {
    const at::Tensor means_PP = angles_PP_.div(std::numbers::pi * static_cast<double>(tokens_));
    means_PP.fill_diagonal_(0.0);  // arccos makes more of the last bit than there is
    std::vector<std::vector<double>> rows;
    for (int64_t place = 0; place < means_PP.size(0); ++place) rows.push_back(numbers_of(means_PP[place]));
    return rows;
  }

  // Of each place.
  std::vector<double> variances() const {
    const double count = static_cast<double>(tokens_) * static_cast<double>(width_);
    return numbers_of(squares_P_.div(count).sub(sums_P_.div(count).square()));
  }

 private:
  void add_stacked(const at::Tensor& x_NPD) {
    const int64_t places = x_NPD.size(1);
    if (!angles_PP_.defined()) {
      angles_PP_ = at::zeros({places, places}, x_NPD.options());
      sums_P_ = at::zeros({places}, x_NPD.options());
      squares_P_ = at::zeros({places}, x_NPD.options());
    }
    const at::Tensor dots_NPP = at::bmm(x_NPD, x_NPD.transpose(1, 2));
    const at::Tensor squares_NP = dots_NPP.diagonal(0, 1, 2);
    const at::Tensor norms_NP = squares_NP.sqrt().clamp_min(std::numeric_limits<float>::min());
    const at::Tensor cosines_NPP = dots_NPP.div(norms_NP.unsqueeze(2).mul(norms_NP.unsqueeze(1)));
    angles_PP_.add_(cosines_NPP.clamp(-1.0, 1.0).acos().sum(0));
    sums_P_.add_(x_NPD.sum(at::IntArrayRef{0, 2}));
    squares_P_.add_(squares_NP.sum(0));
    tokens_ += x_NPD.size(0);
    width_ = x_NPD.size(2);
  }

  at::Tensor angles_PP_, sums_P_, squares_P_;
  int64_t tokens_ = 0, width_ = 0;
};

// From `begin` on as many rows as are `max_tokens` tokens at most, but one at least.
data::TokenRows rows_from(const data::TokenRows& rows, size_t begin, int64_t max_tokens) {
  data::TokenRows taken;
  int64_t tokens = 0;
  for (size_t row = begin; row < rows.size(); ++row) {
    tokens += std::ssize(rows[row]);
    if (!taken.empty() && tokens > max_tokens) break;
    taken.push_back(rows[row]);
  }
  return taken;
}

// The streams at all places.
std::vector<at::Tensor> streams_of(nn::Model& model, const data::TokenBatch& batch) {
  const at::Tensor embedding_VD = model.parameters().value("model.embed_tokens.weight");
  std::vector<at::Tensor> streams{embedding_VD.index_select(0, batch.tokens_N)};
  model.logits_NV(batch, [&](int64_t, const at::Tensor& stream_ND) { streams.push_back(stream_ND.clone()); });
  return streams;
}

std::vector<double> gradient_norms(const nn::Model& model) {
  std::vector<double> squares;
  const std::vector<ParamSpec>& params = model.parameters().trained()->params;
  for (const ParamSpec& param : params) {
    const at::Tensor gradient = model.parameters().gradient(param.name).flatten().to(at::kDouble);
    squares.push_back(param.layer < 0 ? 0.0 : gradient.dot(gradient).item<double>());
  }
  return train::norms_by_layer(params, squares, static_cast<size_t>(model.spec().dims.layers));
}

std::vector<GateValue> gates_of(const nn::Model& model) {
  std::vector<GateValue> gates;
  for (const ParamSpec& param : model.spec().layout.params) {
    if (param.role != ParameterRole::kGate) continue;
    const auto alpha = model.parameters().value(param.name).item<float>();
    const float factor = kernels::gate_factor(model.spec().gate.activation, alpha);
    gates.push_back({.layer = param.layer, .alpha = static_cast<double>(alpha), .factor = static_cast<double>(factor)});
  }
  return gates;
}

}  // namespace

Excerpt excerpt_of(const NextDocument& next, int64_t max_length, int64_t tokens) {
  Excerpt excerpt;
  for (Document document; excerpt.tokens < tokens && next(document);) {
    ++excerpt.documents;
    const int64_t wanted = std::min(std::ssize(document.ids), tokens - excerpt.tokens);
    for (int64_t begin = 0; begin < wanted; begin += max_length) {
      const int64_t length = std::min(max_length, wanted - begin);
      const auto first = document.ids.begin() + begin;
      excerpt.rows.emplace_back(first, first + length);
      excerpt.tokens += length;
      excerpt.targets += length - 1;
      excerpt.longest = std::max(excerpt.longest, length);
    }
  }
  STRATA_CHECK(excerpt.targets > 0, "nothing to analyze: no row has a second token");
  return excerpt;
}

Analysis analyze(nn::Model& model, const Excerpt& text, const std::function<void(int64_t)>& when_analyzed) {
  model.parameters().zero_gradients();
  Analysis analysis;
  StreamSums sums;
  const double scale = 1.0 / static_cast<double>(text.targets);
  for (size_t row = 0; row < text.rows.size();) {
    const data::TokenRows rows = rows_from(text.rows, row, model.limits().max_tokens);
    const auto batch = model.upload(data::TokenBatch::from_rows(rows, nullptr, model.spec().dims.vocab));
    sums.add(streams_of(model, batch));
    if (batch.num_targets() > 0) analysis.loss += scale * model.loss_and_gradients(batch, scale);
    row += rows.size();
    analysis.tokens += batch.num_tokens();
    if (when_analyzed) when_analyzed(analysis.tokens);
  }
  STRATA_CHECK(std::isfinite(analysis.loss), "the loss is ", analysis.loss,
               ": the model does not compute with finite numbers");
  analysis.angular_distance = sums.angular_distance();
  analysis.activation_variance = sums.variances();
  analysis.activation_variance.erase(analysis.activation_variance.begin());  // the embedding's
  analysis.gradient_norm = gradient_norms(model);
  analysis.gates = gates_of(model);
  return analysis;
}

nlohmann::json to_json(const Analysis& analysis) {
  nlohmann::json json{{"tokens", analysis.tokens},
                      {"loss", analysis.loss},
                      {"angular_distance", analysis.angular_distance},
                      {"activation_variance", analysis.activation_variance},
                      {"gradient_norm", analysis.gradient_norm}};
  for (const GateValue& gate : analysis.gates) {
    json["gate"].push_back(gate.alpha);
    json["gate_factor"].push_back(gate.factor);
  }
  return json;
}

}  // namespace strata::eval
