// A program of somebody else's: trains from a config, under a scheme of its own, watched by a hook of its own.
#include <strata/norm/scheme.h>
#include <strata/run/run.h>
#include <strata/run/settle.h>

#include <algorithm>
#include <iostream>

namespace strata::norm {
// Norms on both sides of the branch and on the sum; no scheme of Strata's does that.
class Everywhere final : public Scheme {
 public:
  Sublayer sublayer(const Site&) const override {
    return {.input_norm = Norm::kRms, .branch_norm = Norm::kRms, .out_norm = Norm::kRms};
  }
};
STRATA_REGISTER_SCHEME("everywhere", Everywhere)
}  // namespace strata::norm

class Lowest final : public strata::train::Hook {
 public:
  explicit Lowest(double& loss) : loss_(loss) {}
  void after_step(const strata::train::StepReport& report, const strata::train::Progress&) override {
    loss_ = std::min(loss_, report.loss);
  }

 private:
  double& loss_;
};

int main(int, char** arguments) {
  double lowest = 1e9;
  const auto config = strata::run::load_config(arguments[1], {"norm.scheme=everywhere+gpas"});
  const auto result =
      strata::run::pretrain(config, {.hooks = {[&](auto&) { return std::make_unique<Lowest>(lowest); }}});
  const double first = result.losses.front(), last = result.losses.back();
  std::cout << result.progress.step << " steps, loss from " << first << " to " << last << ", lowest " << lowest << "\n";
  return result.progress.step == config.train.steps && last < 0.7 * first && lowest <= last ? 0 : 1;
}
