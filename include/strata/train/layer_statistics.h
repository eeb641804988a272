#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <vector>

#include "strata/nn/model.h"
#include "strata/optim/arena_meter.h"

namespace strata::train {

/// L2 norms over each layer's parameters. squares: of each parameter.
std::vector<double> norms_by_layer(const std::vector<ParamSpec>& params, const std::vector<double>& squares,
                                   size_t layers);

/// What the paper measures of every layer during a step (GPAS, section 5): activation variance of its output residual
/// over real positions and channels, gradient norm, weight norm, its gates. Costs next to nothing: the junctions leave
/// the sums behind, and the gradients' squares are there from clipping.
class LayerStatistics {
 public:
  /// Numbers that micro-batches, and then workers, add up: each layer's sums of x and of x^2.
  static int64_t num_sums(int64_t layers) { return 2 * layers; }
  /// After the forward of a micro-batch: adds its sums. sums: fp64, on the device, which is not waited for.
  static void add(const at::Tensor& sums, const nn::Model& model, int64_t tokens);

  /// Of a step over `tokens` tokens that trained `trained`: its sums, its gradients before clipping, and the parameters
  /// after the update.
  LayerStatistics(const nn::ModelSpec& spec, const nn::ParameterLayout& trained, int64_t tokens,
                  std::span<const double> sums, const optim::ArenaMeasure& gradients,
                  const optim::ArenaMeasure& parameters);

  /// One line of layers.jsonl: arrays over the layers, in which frozen layers have no gradient (null), and which layers
  /// trained, if not all. Gates as they are after the update, their gradients before clipping.
  nlohmann::json line(int64_t step) const;

 private:
  GateActivation activation_;
  std::vector<double> variances_, gradient_norms_, weight_norms_;  // of each layer
  std::vector<int64_t> trained_layers_;                            // rising
  std::vector<double> gates_;
  std::vector<std::optional<double>> gate_gradients_;  // nothing: of a frozen gate; empty: all are frozen
};

}  // namespace strata::train
