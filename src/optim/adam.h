#pragma once

#include "strata/kernels/adam.h"
#include "strata/optim/optimizer.h"

namespace strata::optim {

/// Adam and AdamW, one pass over the arenas. Matrices decay; gains and gates do not.
class Adam final : public Optimizer {
 public:
  Adam(const config::OptimizerConfig& config, const std::vector<ParamSpec>& params,
       const std::vector<ArenaRange>& ranges, at::ScalarType dtype, uint64_t seed, Allocator& allocator);

  void update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& clip) override;
  const std::vector<ArenaRange>& ranges() const override { return ranges_; }
  const std::vector<State>& states() const override { return states_; }

 private:
  // Neighbours in the arenas that are treated alike.
  struct Run {
    ArenaRange range;
    int64_t place;  // in the states
    bool decays;
    bool gate;
  };

  void add_run(const ArenaRange& range, bool decays, bool gate);

  config::OptimizerConfig config_;
  uint64_t seed_;  // of rounding
  std::vector<ArenaRange> ranges_;
  std::vector<Run> runs_;
  std::vector<State> states_;
};

}  // namespace strata::optim
