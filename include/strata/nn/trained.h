#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "strata/config/run_config.h"
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

/// What a run trains, of these layers; none: of all.
TrainedSet trained_set(const config::RunConfig& config, std::optional<std::vector<int64_t>> layers = {});

/// The model of a run, with room for the gradients of what it trains at a time (lisa.layers; sft.train_gates). With
/// LISA these are the first layers, until others are drawn.
ModelSpec describe(const config::RunConfig& config);

/// Of a run whose rows are full, all of it scored.
TokenWork full_rows(const config::RunConfig& config);

}  // namespace strata::nn
