#include "strata/train/layer_statistics.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "strata/kernels/gate.h"
#include "strata/kernels/sum_of_squares.h"

namespace strata::train {
namespace {

using nlohmann::json;

// Root of the sum, per layer, of what belongs to each parameter.
std::vector<double> norm_by_layer(const std::vector<ParamSpec>& params, const std::vector<double>& squares,
                                  size_t layers) {
  std::vector<double> totals(layers, 0.0);
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].layer >= 0) totals[static_cast<size_t>(params[i].layer)] += squares[i];
  }
  for (double& total : totals) total = std::sqrt(total);
  return totals;
}

std::vector<double> squares_of(const nn::Parameters& parameters) {
  std::vector<ArenaRange> ranges;
  for (const ParamSpec& param : parameters.layout().params) {
    ranges.push_back({param.offset, param.offset + param.count()});
  }
  return kernels::sums_of_squares(parameters.master(), ranges);
}

double gate_factor(const at::Tensor& alpha, config::GpasActivation activation) {
  const at::Tensor factor = alpha.to(at::kFloat).clone();
  const at::Tensor slope = factor.clone();
  kernels::gate_factors(alpha, static_cast<kernels::GateActivation>(activation), factor, slope);
  return static_cast<double>(*factor.const_data_ptr<float>());
}

double number(const at::Tensor& scalar) { return static_cast<double>(*scalar.to(at::kFloat).const_data_ptr<float>()); }

}  // namespace

LayerStatistics::LayerStatistics(const nn::ModelSpec& spec)
    : width_(spec.dims.hidden),
      sums_(static_cast<size_t>(spec.dims.layers), 0.0),
      squares_(static_cast<size_t>(spec.dims.layers), 0.0),
      activation_(spec.gate.activation) {}

void LayerStatistics::add(const nn::Decoder& decoder, int64_t tokens) {
  tokens_ += tokens;
  for (size_t layer = 0; layer < sums_.size(); ++layer) {
    const auto* rows = decoder.row_sums_N2(static_cast<int64_t>(layer), tokens).const_data_ptr<float>();
    for (int64_t n = 0; n < tokens; ++n) {
      sums_[layer] += static_cast<double>(rows[2 * n]);
      squares_[layer] += static_cast<double>(rows[2 * n + 1]);
    }
  }
}

json LayerStatistics::line(int64_t step, const nn::Parameters& parameters, const optim::GradientNorms& norms) const {
  const std::vector<ParamSpec>& params = parameters.layout().params;
  const double count = static_cast<double>(tokens_) * static_cast<double>(width_);
  json variance = json::array();
  for (size_t layer = 0; layer < sums_.size(); ++layer) {
    const double mean = sums_[layer] / count;
    variance.push_back(squares_[layer] / count - mean * mean);
  }
  json line{{"step", step},
            {"activation_variance", variance},
            {"gradient_norm", norm_by_layer(params, norms.squares, sums_.size())},
            {"weight_norm", norm_by_layer(params, squares_of(parameters), sums_.size())}};
  for (const ParamSpec& param : params) {
    if (param.role != ParameterRole::kGate) continue;
    line["gate"].push_back(number(parameters.master(param.name)));
    line["gate_factor"].push_back(gate_factor(parameters.master(param.name), activation_));
    line["gate_gradient"].push_back(number(parameters.gradient(param.name)));
  }
  return line;
}

}  // namespace strata::train
