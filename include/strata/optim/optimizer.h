#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/allocator.h"
#include "strata/base/parameter.h"
#include "strata/base/registry.h"
#include "strata/config/optimizer.h"
#include "strata/kernels/gemm.h"

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
  at::Tensor values;  // of these ranges of the arena, laid end to end
  std::vector<ArenaRange> value_ranges;
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
    at::Tensor values;                                             // of its ranges, laid end to end
    std::optional<std::vector<ArenaRange>> ranges = std::nullopt;  // what of ranges() it has; none: all
    bool (*is_of)(const ParamSpec&) = nullptr;                     // which parameters have it; nullptr: all
  };
  /// What it has states of, and where they lie in arenas of states.
  virtual const std::vector<ParamSpec>& params() const = 0;
  virtual const std::vector<ArenaRange>& ranges() const = 0;
  virtual const std::vector<State>& states() const = 0;

  /// FLOPs of the matrix products in an update of what it moves.
  virtual double flops_per_update() const { return 0.0; }
};

inline bool has_state(const ParamSpec& param, const Optimizer::State& state) {
  return state.is_of == nullptr || state.is_of(param);
}

/// What an optimizer is made with.
struct OptimizerSetup {
  config::OptimizerConfig config = {};
  int64_t train_steps = 0;               // of the run
  const kernels::Gemm* gemm = nullptr;   // of matrix products; must outlive the optimizer. nullptr: it makes none
  at::ScalarType products = at::kFloat;  // what their factors are rounded to
  at::ScalarType states = at::kFloat;    // what states are stored in
  uint64_t seed = 0;                     // of stochastic rounding
};

/// ranges: of the arenas of states, what this optimizer has and moves; they rise, and do not cut what it moves whole.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerSetup& setup, const Trained& trained,
                                          const std::vector<ArenaRange>& ranges, Allocator& allocator);

/// Whether such an optimizer needs all of the parameter at once, so that workers do not share it.
bool moves_whole(const config::OptimizerConfig& config, const ParamSpec& param);

/// A kind of optimizer, under its name in the config: STRATA_REGISTER_OPTIMIZER in its own source file.
struct OptimizerKind {
  std::unique_ptr<Optimizer> (*make)(const OptimizerSetup&, const Trained&, const std::vector<ArenaRange>&, Allocator&);
  bool (*moves_whole)(const ParamSpec&);
};
using OptimizerRegistry = Registry<const OptimizerKind*>;
OptimizerRegistry& optimizer_registry();

template <class Class>
const OptimizerKind* kind_of_optimizer() {
  static constexpr OptimizerKind kKind{
      .make = [](const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges,
                 Allocator& allocator) -> std::unique_ptr<Optimizer> {
        return std::make_unique<Class>(setup, trained, ranges, allocator);
      },
      .moves_whole = &Class::moves_whole};
  return &kKind;
}

/// Class: constructed as `make` is called, with a static moves_whole(param).
#define STRATA_REGISTER_OPTIMIZER(name, Class)            \
  [[maybe_unused]] static const bool Class##_registered = \
      ::strata::optim::optimizer_registry().add(name, ::strata::optim::kind_of_optimizer<Class>());

}  // namespace strata::optim
