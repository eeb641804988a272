#include "strata/train/layer_statistics.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "strata/kernels/junction.h"
#include "strata/kernels/sums.h"

namespace strata::train {
namespace {

using nlohmann::json;

// Those that have gradients, rising.
std::vector<int64_t> trained_layers(const std::vector<ParamSpec>& trained) {
  std::set<int64_t> layers;
  for (const ParamSpec& param : trained) layers.insert(param.layer);
  layers.erase(-1);
  return {layers.begin(), layers.end()};
}

// Of all gates; null: of those that are frozen.
json gate_gradients(const nn::Parameters& parameters, const std::vector<double>& trained) {
  json all = json::array();
  auto next = trained.begin();
  for (const ParamSpec& param : parameters.layout().params) {
    if (param.role != ParameterRole::kGate) continue;
    all.push_back(parameters.trained().contains(param.name) ? json(*next++) : json());
  }
  return all;
}

}  // namespace

std::vector<double> norms_by_layer(const std::vector<ParamSpec>& params, const std::vector<double>& squares,
                                   size_t layers) {
  std::vector<double> totals(layers, 0.0);
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].layer >= 0) totals[static_cast<size_t>(params[i].layer)] += squares[i];
  }
  for (double& total : totals) total = std::sqrt(total);
  return totals;
}

void LayerStatistics::add(const at::Tensor& sums, const nn::Model& model, int64_t tokens) {
  for (int64_t layer = 0; layer < sums.numel() / num_sums(1); ++layer) {
    kernels::add_rows(sums.narrow(0, num_sums(layer), num_sums(1)), model.row_sums_N2(layer, tokens));
  }
}

LayerStatistics::LayerStatistics(const nn::ModelSpec& spec, int64_t tokens, std::span<const double> sums,
                                 optim::ArenaMeasure parameters)
    : count_(static_cast<double>(tokens) * static_cast<double>(spec.dims.hidden)),
      activation_(spec.gate.activation),
      sums_(sums.begin(), sums.end()),
      parameters_(std::move(parameters)) {}

json LayerStatistics::line(int64_t step, const nn::Parameters& parameters, const optim::ArenaMeasure& gradients) const {
  const size_t layers = sums_.size() / 2;
  json variance = json::array();
  for (size_t layer = 0; layer < layers; ++layer) {
    const double mean = sums_[2 * layer] / count_;
    variance.push_back(sums_[2 * layer + 1] / count_ - mean * mean);
  }
  json line{{"step", step},
            {"activation_variance", variance},
            {"gradient_norm", norms_by_layer(parameters.trained().params, gradients.squares, layers)},
            {"weight_norm", norms_by_layer(parameters.layout().params, parameters_.squares, layers)}};
  for (const double gate : parameters_.gates) {
    line["gate"].push_back(gate);
    line["gate_factor"].push_back(static_cast<double>(kernels::gate_factor(activation_, static_cast<float>(gate))));
  }
  if (!gradients.gates.empty()) line["gate_gradient"] = gate_gradients(parameters, gradients.gates);
  const std::vector<int64_t> trained = trained_layers(parameters.trained().params);
  if (trained.size() == layers) return line;
  line["trained_layers"] = trained;
  for (size_t layer = 0; layer < layers; ++layer) {
    const bool is_trained = std::ranges::binary_search(trained, static_cast<int64_t>(layer));
    if (!is_trained) line["gradient_norm"][layer] = nullptr;
  }
  return line;
}

}  // namespace strata::train
