#include "strata/train/spikes.h"

#include <cmath>

namespace strata::train {
namespace {

double z_score(const std::vector<double>& window, double value) {
  const auto count = static_cast<double>(window.size());
  double sum = 0.0;
  for (const double past : window) sum += past;
  const double mean = sum / count;
  double squares = 0.0;
  for (const double past : window) squares += (past - mean) * (past - mean);
  const double deviation = std::sqrt(squares / count);
  return deviation > 0.0 ? (value - mean) / deviation : 0.0;
}

void push(std::vector<double>& window, double value, size_t size) {
  window.push_back(value);
  if (window.size() > size) window.erase(window.begin(), window.end() - static_cast<ptrdiff_t>(size));
}

}  // namespace

SpikeScores score(const config::SpikeConfig& config, const SpikeWindow& window, double loss, double grad_norm) {
  const bool is_full = static_cast<int64_t>(window.losses.size()) >= config.window;
  if (config.action == config::SpikeAction::kNone || !is_full) return {};
  return {.loss = z_score(window.losses, loss), .grad_norm = z_score(window.grad_norms, grad_norm)};
}

void remember(const config::SpikeConfig& config, SpikeWindow& window, double loss, double grad_norm) {
  if (config.action == config::SpikeAction::kNone) return;
  push(window.losses, loss, static_cast<size_t>(config.window));
  push(window.grad_norms, grad_norm, static_cast<size_t>(config.window));
}

}  // namespace strata::train
