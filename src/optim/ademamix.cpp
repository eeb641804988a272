// AdEMAMix: AdamW with a second mean of gradients that goes back further.
#include "strata/kernels/ademamix.h"

#include <algorithm>
#include <cmath>

#include "arena_optimizer.h"

namespace strata::optim {
namespace {

// The number of updates after which a mean with such a decay has forgotten half; a decay of nought has one too.
double half_life(double beta) { return std::log(0.5) / std::log(beta + 1e-8) - 1.0; }

class Ademamix final : public ArenaOptimizer {
 public:
  Ademamix(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges,
           Allocator& allocator)
      : ArenaOptimizer(setup, trained, ranges, {{"m"}, {"v"}, {"s"}}, allocator),
        ademamix_(setup.config.ademamix),
        warmup_(static_cast<double>(
            ademamix_.warmup_steps == config::AdemamixConfig::kAllSteps ? setup.train_steps : ademamix_.warmup_steps)) {
  }

 private:
  // From beta1 to beta3, linear in their half-lives.
  double beta3(double beta1, double count) const {
    if (count >= warmup_) return ademamix_.beta3;
    const double share = count / warmup_;
    const double length = (1.0 - share) * half_life(beta1) + share * half_life(ademamix_.beta3);
    return std::pow(0.5, 1.0 / (length + 1.0));
  }

  void update_run(const RunArrays& run, const RunUpdate& update) override {
    kernels::ademamix({.value = run.value,
                       .gradient = run.gradient,
                       .m = run.states[0],
                       .v = run.states[1],
                       .s = run.states[2],
                       .copy = run.copy},
                      {.rate = update.rate,
                       .beta1 = update.settings.beta1,
                       .beta2 = update.settings.beta2,
                       .beta3 = beta3(update.settings.beta1, update.count),
                       .alpha = ademamix_.alpha * std::min(1.0, update.count / warmup_),
                       .eps = update.settings.eps,
                       .decay = update.settings.weight_decay,
                       .correction1 = update.correction1,
                       .correction2 = update.correction2,
                       .chance = update.chance},
                      update.scale);
  }

  config::AdemamixConfig ademamix_;
  double warmup_;
};

}  // namespace
STRATA_REGISTER_OPTIMIZER("ademamix", Ademamix)
}  // namespace strata::optim
