#pragma once

#include "strata/kernels/adam.h"
#include "strata/optim/groups.h"
#include "strata/optim/optimizer.h"

namespace strata::optim {

/// Adam and AdamW, one pass over the arenas.
class Adam final : public Optimizer {
 public:
  Adam(const config::OptimizerConfig& config, const Trained& trained, const std::vector<ArenaRange>& ranges,
       at::ScalarType dtype, uint64_t seed, Allocator& allocator);

  void update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& outcome) override;
  void train(const Trained& trained) override;
  const std::vector<ParamSpec>& params() const override { return trained_.with_states; }
  const std::vector<ArenaRange>& ranges() const override { return ranges_; }
  const std::vector<State>& states() const override { return states_; }

 private:
  // Neighbours in all arenas that are treated alike.
  struct Run {
    int64_t value = 0, gradient = 0, state = 0;  // where it begins in the arenas
    int64_t size = 0;
    int64_t missed = 0;
    bool gate = false;
    Settings settings = {};

    bool is_followed_by(const Run& next) const;
    Run part(const ArenaRange& states) const;
  };

  Run run_of(const TrainedParam& param) const;
  void find_runs();
  void move_states(const Trained& from, const Trained& to) const;
  at::Tensor state_of(const at::Tensor& values, const TrainedParam& param) const;

  config::OptimizerConfig config_;
  uint64_t seed_;  // of rounding
  std::vector<ArenaRange> ranges_;
  Trained trained_;
  std::vector<Run> runs_;  // in the optimizer's ranges; state: the place in states_
  std::vector<State> states_;
};

}  // namespace strata::optim
