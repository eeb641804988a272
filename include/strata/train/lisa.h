#pragma once

#include <optional>
#include <vector>

#include "strata/config/run_config.h"
#include "strata/nn/model.h"
#include "strata/optim/lisa.h"
#include "strata/optim/optimizer.h"

namespace strata::train {

/// Where layers that take turns stand, as a checkpoint has it.
struct LisaState {
  int64_t draws = 0;               // made so far
  std::vector<int64_t> layers;     // that train now
  std::vector<int64_t> updates_L;  // of each layer, that its optimizer's states know of
  std::vector<double> weights_L;   // that draws go by

  bool operator==(const LisaState&) const = default;
};

/// What an optimizer moves of a run. missed_L: updates that the states of each layer know nothing of; empty: none.
optim::Trained trained_params(const config::RunConfig& config, const nn::ParameterLayout& values,
                              const nn::ParameterLayout& trained, const std::vector<int64_t>& missed_L = {});

/// LISA: every lisa.interval updates other layers are drawn, which train until the next draw. The others are frozen:
/// no gradients, no updates, and with lisa.states: drop no states either, so that they begin anew at their next turn.
/// What is in no layer always trains.
class Lisa {
 public:
  /// All must outlive it.
  Lisa(const config::RunConfig& config, nn::Model& model, optim::Optimizer& optimizer);

  /// A run that starts anew. norms_L: of each layer's weights; lisa.sampling: weighted draws in proportion to them.
  void begin(const std::vector<double>& norms_L);

  /// A run that goes on after `step` updates; before the optimizer's states are loaded. Throws Error for a state that
  /// this run cannot have been in.
  void restore(const LisaState& state, int64_t step);

  /// To be called before every update, by its index from 0. Says whether others train from now on.
  bool draw_before(int64_t index);

  const std::vector<int64_t>& layers() const { return state_.layers; }
  LisaState state_after(int64_t step) const;

 private:
  void train_layers();
  std::vector<double> weights_of(const std::vector<double>& norms_L) const;

  const config::RunConfig& config_;
  nn::Model& model_;
  optim::Optimizer& optimizer_;
  std::optional<optim::LisaDraws> draws_;
  LisaState state_;    // after since_ updates
  int64_t since_ = 0;  // updates when they were drawn, or when the run went on
};

}  // namespace strata::train
