// Signum (signSGD with momentum, arXiv 1802.04434), with the decay of AdamW:
//
//   m <- beta1 m + (1 - beta1) g      p <- p - rate (sign(m) + decay p)
#include <ATen/TensorOperators.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/where.h>

#include "arena_optimizer.h"

namespace strata::optim {
namespace {

class Signum final : public ArenaOptimizer {
 public:
  Signum(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges,
         Allocator& allocator)
      : ArenaOptimizer(setup, trained, ranges, {{"m"}}, allocator) {}

 private:
  void update_run(const RunArrays& run, const RunUpdate& update) override {
    const Settings& settings = update.settings;
    const at::Tensor& m = run.states[0];
    const at::Tensor factor = update.scale.factor.to(at::kFloat);
    const at::Tensor applies = update.scale.apply.ne(0.0);  // stays on the device
    const at::Tensor new_m = settings.beta1 * m + (1.0 - settings.beta1) * factor * run.gradient;
    const at::Tensor new_p = run.value - update.rate * (at::sign(new_m) + settings.weight_decay * run.value);
    m.copy_(at::where(applies, new_m, m));
    run.value.copy_(at::where(applies, new_p, run.value));
    if (run.copy.defined()) run.copy.copy_(run.value);
  }
};

}  // namespace
STRATA_REGISTER_OPTIMIZER("signum", Signum)
}  // namespace strata::optim
