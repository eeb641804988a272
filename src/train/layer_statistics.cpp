#include "strata/train/layer_statistics.h"

#include <ATen/ops/full.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "strata/kernels/gate.h"
#include "strata/kernels/sums.h"

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

void LayerStatistics::add(const nn::Decoder& decoder, int64_t tokens, const at::Tensor& sums) {
  for (int64_t layer = 0; layer < sums.numel() / num_sums(1); ++layer) {
    kernels::add_rows(decoder.row_sums_N2(layer, tokens), sums.narrow(0, num_sums(layer), num_sums(1)));
  }
}

LayerStatistics::LayerStatistics(const nn::ModelSpec& spec, int64_t tokens, std::span<const double> sums,
                                 optim::ArenaMeasure parameters)
    : count_(static_cast<double>(tokens) * static_cast<double>(spec.dims.hidden)),
      activation_(spec.gate.activation),
      sums_(sums.begin(), sums.end()),
      parameters_(std::move(parameters)) {}

json LayerStatistics::line(int64_t step, const std::vector<ParamSpec>& params,
                           const optim::ArenaMeasure& gradients) const {
  const size_t layers = sums_.size() / 2;
  json variance = json::array();
  for (size_t layer = 0; layer < layers; ++layer) {
    const double mean = sums_[2 * layer] / count_;
    variance.push_back(sums_[2 * layer + 1] / count_ - mean * mean);
  }
  json line{{"step", step},
            {"activation_variance", variance},
            {"gradient_norm", norm_by_layer(params, gradients.squares, layers)},
            {"weight_norm", norm_by_layer(params, parameters_.squares, layers)}};
  for (size_t gate = 0; gate < parameters_.gates.size(); ++gate) {
    line["gate"].push_back(parameters_.gates[gate]);
    line["gate_factor"].push_back(gate_factor(parameters_.gates[gate], activation_));
    line["gate_gradient"].push_back(gradients.gates[gate]);
  }
  return line;
}

}  // namespace strata::train
