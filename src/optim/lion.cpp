// Lion: the sign of a mean of gradients.
#include "strata/kernels/lion.h"

#include "arena_optimizer.h"

namespace strata::optim {
namespace {

class Lion final : public ArenaOptimizer {
 public:
  Lion(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges, Allocator& allocator)
      : ArenaOptimizer(setup, trained, ranges, {{"m"}}, allocator) {}

 private:
  void update_run(const RunArrays& run, const RunUpdate& update) override {
    kernels::lion({.value = run.value, .gradient = run.gradient, .m = run.states[0], .copy = run.copy},
                  {.rate = update.rate,
                   .beta1 = update.settings.beta1,
                   .beta2 = update.settings.beta2,
                   .decay = update.settings.weight_decay,
                   .chance = update.chance},
                  update.scale);
  }
};

}  // namespace
STRATA_REGISTER_OPTIMIZER("lion", Lion)
}  // namespace strata::optim
