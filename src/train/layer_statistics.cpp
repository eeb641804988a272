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

// Of all gates, in the order of the layout.
std::vector<std::optional<double>> gate_gradients(const nn::ParameterLayout& all, const nn::ParameterLayout& trained,
                                                  const std::vector<double>& of_trained) {
  std::vector<std::optional<double>> gradients;
  if (of_trained.empty()) return gradients;
  auto next = of_trained.begin();
  for (const ParamSpec& param : all.params) {
    if (param.role != ParameterRole::kGate) continue;
    gradients.push_back(trained.contains(param.name) ? std::optional(*next++) : std::nullopt);
  }
  return gradients;
}

std::vector<double> variances_of(std::span<const double> sums, double count) {
  std::vector<double> variances;
  for (size_t layer = 0; layer < sums.size() / 2; ++layer) {
    const double mean = sums[2 * layer] / count;
    variances.push_back(sums[2 * layer + 1] / count - mean * mean);
  }
  return variances;
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

LayerStatistics::LayerStatistics(const nn::ModelSpec& spec, const nn::ParameterLayout& trained, int64_t tokens,
                                 std::span<const double> sums, const optim::ArenaMeasure& gradients,
                                 const optim::ArenaMeasure& parameters)
    : activation_(spec.gate.activation),
      variances_(variances_of(sums, static_cast<double>(tokens) * static_cast<double>(spec.dims.hidden))),
      gradient_norms_(norms_by_layer(trained.params, gradients.squares, variances_.size())),
      weight_norms_(norms_by_layer(spec.layout.params, parameters.squares, variances_.size())),
      trained_layers_(trained_layers(trained.params)),
      gates_(parameters.gates),
      gate_gradients_(gate_gradients(spec.layout, trained, gradients.gates)) {}

json LayerStatistics::line(int64_t step) const {
  json line{{"step", step},
            {"activation_variance", variances_},
            {"gradient_norm", gradient_norms_},
            {"weight_norm", weight_norms_}};
  for (const double gate : gates_) {
    line["gate"].push_back(gate);
    line["gate_factor"].push_back(static_cast<double>(kernels::gate_factor(activation_, static_cast<float>(gate))));
  }
  for (const std::optional<double>& gradient : gate_gradients_) {
    line["gate_gradient"].push_back(gradient ? json(*gradient) : json());
  }
  const auto layers = static_cast<int64_t>(variances_.size());
  if (std::ssize(trained_layers_) == layers) return line;
  line["trained_layers"] = trained_layers_;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const bool is_trained = std::ranges::binary_search(trained_layers_, layer);
    if (!is_trained) line["gradient_norm"][static_cast<size_t>(layer)] = nullptr;
  }
  return line;
}

}  // namespace strata::train
