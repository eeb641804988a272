#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "strata/nn/model.h"
#include "strata/optim/clipping.h"

namespace strata::train {

/// What the paper measures of every layer during a step (GPAS, section 5): activation variance of its output residual
/// over real positions and channels, gradient norm, weight norm, its gates. Costs next to nothing: the junctions leave
/// the sums behind, and the gradients' squares are there from clipping.
class LayerStatistics {
 public:
  explicit LayerStatistics(const nn::ModelSpec& spec);

  /// Numbers that micro-batches, and then workers, add up: tokens, and each layer's sums of x and of x^2.
  size_t num_sums() const { return 1 + 2 * layers_; }
  /// After the forward of a micro-batch: adds its sums.
  void add(const nn::Decoder& decoder, int64_t tokens, std::span<double> sums) const;

  /// The step's sums, and its parameters after the update.
  void complete(std::span<const double> sums, optim::ArenaMeasure parameters);

  /// One line of layers.jsonl: arrays over the layers. Gates as they are after the update, their gradients before
  /// clipping.
  nlohmann::json line(int64_t step, const std::vector<ParamSpec>& params, const optim::ArenaMeasure& gradients) const;

 private:
  size_t layers_;
  int64_t width_;
  config::GpasActivation activation_;
  std::vector<double> sums_;
  optim::ArenaMeasure parameters_;
};

}  // namespace strata::train
