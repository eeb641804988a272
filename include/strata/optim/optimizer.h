#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "strata/base/allocator.h"
#include "strata/base/parameter.h"
#include "strata/config/optimizer.h"

namespace strata::optim {

/// A parameter that is trained, and where it lies in each of the arenas.
struct TrainedParam {
  ParamSpec spec;            // its offset: in the arena of gradients
  int64_t value_offset = 0;  // in that of values
  int64_t state_offset = 0;  // in those of the optimizer's states
  int64_t missed = 0;        // updates of the run that its states know nothing of: it was frozen
};

/// What an optimizer moves, and what it has states of: at least that.
struct Trained {
  std::vector<TrainedParam> params;    // in the order of the arenas
  std::vector<ParamSpec> with_states;  // offsets: in the arenas of states
};

/// The flat arenas that an update reads and writes.
struct UpdateArenas {
  at::Tensor values;  // the whole arena, or only what lies in the optimizer's ranges, laid as its states are
  at::Tensor gradients;
  at::Tensor copy;  // bf16 copy of the values that the update refreshes; undefined: none
};

/// Turns gradients into updates. Its states are flat arenas, or some ranges of them one after another, so that
/// checkpoints and sharding need to know nothing else about it.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Update number `step`, from 0, with learning rate `rate`. clip: what kernels::clip made of the gradients; it says
  /// by what they are scaled, and whether anything is changed at all.
  virtual void update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& outcome) = 0;

  /// From the next update on these are trained. The states of a parameter move with it to another place; at a place
  /// that another parameter had, those of one that comes anew begin at nought. Only where ranges() is all there is.
  virtual void train(const Trained& trained) = 0;

  struct State {
    std::string name;
    at::Tensor values;  // of ranges(), laid end to end
  };
  /// What it has states of, and where they lie in arenas of states.
  virtual const std::vector<ParamSpec>& params() const = 0;
  virtual const std::vector<ArenaRange>& ranges() const = 0;
  virtual const std::vector<State>& states() const = 0;
};

/// ranges: of the arenas of states, what this optimizer has and moves; they rise. States are of the dtype given.
/// seed: of stochastic rounding.
std::unique_ptr<Optimizer> make_optimizer(const config::OptimizerConfig& config, const Trained& trained,
                                          const std::vector<ArenaRange>& ranges, at::ScalarType dtype, uint64_t seed,
                                          Allocator& allocator);

}  // namespace strata::optim
