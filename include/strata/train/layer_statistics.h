#pragma once

#include <nlohmann/json_fwd.hpp>
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

  /// After the forward of a micro-batch.
  void add(const nn::Decoder& decoder, int64_t tokens);

  /// One line of layers.jsonl: arrays over the layers. Gates as they are after the update, their gradients before
  /// clipping.
  nlohmann::json line(int64_t step, const nn::Parameters& parameters, const optim::GradientNorms& norms) const;

 private:
  int64_t width_;
  int64_t tokens_ = 0;
  std::vector<double> sums_, squares_;  // of each layer
  config::GpasActivation activation_;
};

}  // namespace strata::train
