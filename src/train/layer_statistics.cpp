#include "strata/train/layer_statistics.h"

#include <ATen/ops/full.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "strata/kernels/gate.h"

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

double gate_factor(double alpha, config::GpasActivation activation) {
  const at::Tensor gate = at::full({}, alpha, at::kFloat);
  const at::Tensor factor = gate.clone(), slope = gate.clone();
  kernels::gate_factors(gate, static_cast<kernels::GateActivation>(activation), factor, slope);
  return static_cast<double>(*factor.const_data_ptr<float>());
}

}  // namespace

LayerStatistics::LayerStatistics(const nn::ModelSpec& spec)
    : layers_(static_cast<size_t>(spec.dims.layers)), width_(spec.dims.hidden), activation_(spec.gate.activation) {}

void LayerStatistics::add(const nn::Decoder& decoder, int64_t tokens, std::span<double> sums) const {
  sums[0] += static_cast<double>(tokens);
  for (size_t layer = 0; layer < layers_; ++layer) {
    const auto* rows = decoder.row_sums_N2(static_cast<int64_t>(layer), tokens).const_data_ptr<float>();
    for (int64_t n = 0; n < tokens; ++n) {
      sums[1 + 2 * layer] += static_cast<double>(rows[2 * n]);
      sums[2 + 2 * layer] += static_cast<double>(rows[2 * n + 1]);
    }
  }
}

void LayerStatistics::complete(std::span<const double> sums, optim::ArenaMeasure parameters) {
  sums_.assign(sums.begin(), sums.end());
  parameters_ = std::move(parameters);
}

json LayerStatistics::line(int64_t step, const std::vector<ParamSpec>& params,
                           const optim::ArenaMeasure& gradients) const {
  const double count = sums_[0] * static_cast<double>(width_);
  json variance = json::array();
  for (size_t layer = 0; layer < layers_; ++layer) {
    const double mean = sums_[1 + 2 * layer] / count;
    variance.push_back(sums_[2 + 2 * layer] / count - mean * mean);
  }
  json line{{"step", step},
            {"activation_variance", variance},
            {"gradient_norm", norm_by_layer(params, gradients.squares, layers_)},
            {"weight_norm", norm_by_layer(params, parameters_.squares, layers_)}};
  for (size_t gate = 0; gate < parameters_.gates.size(); ++gate) {
    line["gate"].push_back(parameters_.gates[gate]);
    line["gate_factor"].push_back(gate_factor(parameters_.gates[gate], activation_));
    line["gate_gradient"].push_back(gradients.gates[gate]);
  }
  return line;
}

}  // namespace strata::train
