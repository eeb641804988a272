#pragma once

#include <vector>

#include "strata/config/train.h"

namespace strata::train {

/// Losses and gradient norms of the last steps, oldest first, skipped ones included: what comes after a lasting change
/// is soon no spike any more.
struct SpikeWindow {
  std::vector<double> losses;
  std::vector<double> grad_norms;

  bool operator==(const SpikeWindow&) const = default;
};

/// By how many standard deviations a step is above the mean of the window; 0 until the window is full.
struct SpikeScores {
  double loss = 0.0;
  double grad_norm = 0.0;

  double highest() const { return loss > grad_norm ? loss : grad_norm; }
};

SpikeScores score(const config::SpikeConfig& config, const SpikeWindow& window, double loss, double grad_norm);

/// Puts a step into the window, in the place of the oldest.
void remember(const config::SpikeConfig& config, SpikeWindow& window, double loss, double grad_norm);

}  // namespace strata::train
