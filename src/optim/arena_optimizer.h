#pragma once

#include "strata/kernels/update.h"
#include "strata/optim/groups.h"
#include "strata/optim/optimizer.h"

namespace strata::optim {

/// What optimizers whose states are arenas have in common: where their parameters and states lie, and that these move
/// with layers that take turns. One of them says what it makes of a run of elements, or of a parameter as a whole.
class ArenaOptimizer : public Optimizer {
 public:
  void update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& outcome) final;
  void train(const Trained& trained) final;
  const std::vector<ParamSpec>& params() const final { return trained_.with_states; }
  const std::vector<ArenaRange>& ranges() const final { return ranges_; }
  const std::vector<State>& states() const final { return states_; }

  /// Hidden by an optimizer that moves some parameters whole.
  static bool moves_whole(const ParamSpec&) { return false; }

 protected:
  struct StateKind {
    std::string name;                           // in checkpoints
    bool (*is_of)(const ParamSpec&) = nullptr;  // which parameters have it; nullptr: all
  };

  /// moves_whole: the optimizer's own.
  ArenaOptimizer(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges,
                 const std::vector<StateKind>& states, Allocator& allocator,
                 bool (*moves_whole)(const ParamSpec&) = &ArenaOptimizer::moves_whole);

  /// Neighbours in all arenas that an update treats alike: flat and equally long.
  struct RunArrays {
    at::Tensor value, gradient;
    std::vector<at::Tensor> states;  // in their order; undefined where the run has no such state
    at::Tensor copy;                 // undefined: none
  };

  struct RunUpdate {
    Settings settings;
    double rate = 0.0;                            // the settings' factor included
    double count = 0.0;                           // updates of the run, this one included
    double correction1 = 1.0, correction2 = 1.0;  // 1 - beta^count
    kernels::UpdateChance chance;
    kernels::UpdateScale scale;
  };

  virtual void update_run(const RunArrays& run, const RunUpdate& update) = 0;
  /// Of what is moved whole, with its padding.
  virtual void update_whole(const ParamSpec& param, const RunArrays& whole, const RunUpdate& update);

  const config::OptimizerConfig& config() const { return config_; }
  /// What of what is moved whole is here.
  std::vector<ParamSpec> whole_params() const;

 private:
  struct Run {
    int64_t value = 0, gradient = 0, state = 0;  // where it begins in the arenas
    int64_t size = 0;
    int64_t missed = 0;
    bool gate = false;
    Settings settings = {};

    bool is_followed_by(const Run& next) const;
    Run part(const ArenaRange& states) const;
    ArenaRange states() const { return {state, state + size}; }
  };
  struct Whole {
    ParamSpec param;
    Run run;
  };

  Run run_of(const TrainedParam& param) const;
  void find_runs();
  void add_whole(const TrainedParam& param);
  std::vector<ArenaRange> ranges_of(const StateKind& kind) const;
  const std::vector<ArenaRange>& ranges_of(const State& state) const { return state.ranges ? *state.ranges : ranges_; }
  at::Tensor part_of(const State& state, const ArenaRange& states) const;
  RunArrays arrays_of(const Run& run, const UpdateArenas& arenas) const;
  RunUpdate update_of(const Run& run, int64_t step, double rate, const at::Tensor& outcome) const;
  void move_states(const Trained& from, const Trained& to) const;

  config::OptimizerConfig config_;
  uint64_t seed_;  // of rounding
  bool (*moves_whole_)(const ParamSpec&);
  std::vector<ArenaRange> ranges_;
  Trained trained_;
  std::vector<State> states_;
  std::vector<Run> runs_;  // in the optimizer's ranges
  std::vector<Whole> wholes_;
};

}  // namespace strata::optim
