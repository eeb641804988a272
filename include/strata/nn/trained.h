#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "strata/nn/model_spec.h"

namespace strata::nn {

/// Which parameters are trained. The others are frozen: they have no gradient, and nothing moves them.
struct TrainedSet {
  bool gates = true;
  std::optional<std::vector<int64_t>> layers = {};  // rising; none: all. What is in no layer is always trained
};

/// What of `all` is trained, and where it lies in the arena of gradients. Where all layers are, places are those of
/// `all`. Where some are, their parameters lie side by side, at places that depend on nothing but how many there are.
/// sections: as those of `all`, each the part of the arena that is final once the backward pass has left it; empty
/// where nothing of it is trained.
/// Throws UsageError for some layers of a model whose layers have not all the same parameters.
ParameterLayout trained_layout(const ParameterLayout& all, const TrainedSet& set);

}  // namespace strata::nn
