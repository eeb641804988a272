#include "adam.h"

#include "strata/kernels/adam.h"

namespace strata::optim {

Adam::Adam(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges,
           Allocator& allocator)
    : ArenaOptimizer(setup, trained, ranges, {{"m"}, {"v"}}, allocator) {}

Adam::Adam(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges,
           Allocator& allocator, bool (*is_of)(const ParamSpec&), bool (*moves_whole)(const ParamSpec&))
    : ArenaOptimizer(setup, trained, ranges, {{"m"}, {"v", is_of}}, allocator, moves_whole) {}

void Adam::update_run(const RunArrays& run, const RunUpdate& update) {
  kernels::adam(
      {.value = run.value, .gradient = run.gradient, .m = run.states[0], .v = run.states[1], .copy = run.copy},
      {.rate = update.rate,
       .beta1 = update.settings.beta1,
       .beta2 = update.settings.beta2,
       .eps = update.settings.eps,
       .decay = update.settings.weight_decay,
       .decoupled = config().kind != config::OptimizerKind::kAdam,
       .correction1 = update.correction1,
       .correction2 = update.correction2,
       .chance = update.chance},
      update.scale);
}

STRATA_REGISTER_OPTIMIZER("adam", Adam)

namespace {

class Adamw final : public Adam {
 public:
  using Adam::Adam;
};

}  // namespace
STRATA_REGISTER_OPTIMIZER("adamw", Adamw)
}  // namespace strata::optim
