#include "strata/norm/prores.h"

#include <cmath>

#include "strata/base/check.h"
#include "strata/config/key_error.h"
#include "strata/norm/decorator.h"

namespace strata::norm {
namespace {

using config::ProResConfig;
using config::ProResSchedule;

int64_t warmup_steps(const ProResConfig& config, int64_t layers) {
  const int64_t steps = config.warmup_steps == ProResConfig::kAutoWarmup ? 1000 * layers : config.warmup_steps;
  if (steps >= layers) return steps;
  throw config::KeyError("norm.prores.warmup_steps",
                         str("is ", steps, ", must be at least the number of layers, ", layers));
}

// T_l: when the layer's branches have come in whole.
double length_of(const ProResConfig& config, int64_t layer, int64_t layers) {
  const int64_t steps = warmup_steps(config, layers);
  const int64_t whole_share = steps / layers;
  const auto all = static_cast<double>(steps), first = static_cast<double>(whole_share);
  if (layers == 1) return first;
  return first + static_cast<double>(layer) * (all - first) / static_cast<double>(layers - 1);
}

// Layer after layer, each from `from` once the one before it has come in.
Ramp stage(const ProResConfig& config, int64_t layer, int64_t layers, double from) {
  const double begin = layer == 0 ? 0.0 : length_of(config, layer - 1, layers);
  return {.from = from, .begin = begin, .length = length_of(config, layer, layers) - begin};
}

class WarmedUp final : public Decorator {
 public:
  WarmedUp(std::unique_ptr<Scheme> scheme, const ProResConfig& config, config::NormInit init)
      : Decorator("+prores", std::move(scheme)), config_(config), init_(init) {}

  Sublayer sublayer(const Site& site) const override {
    Sublayer sublayer = Decorator::sublayer(site);
    if (!sublayer.branch_scale.is_one()) {
      throw config::KeyError("norm.scheme", "+prores has no place in a scheme that scales its branches itself");
    }
    sublayer.branch_scale = prores_ramp(config_, site.layer, site.layers);
    return sublayer;
  }

  // The paper's code knows initial values of its own only by the undecorated scheme's name.
  double weight_std(const WeightSite& site) const override {
    return init_ == config::NormInit::kReference ? kLinearStd : Decorator::weight_std(site);
  }

 private:
  ProResConfig config_;
  config::NormInit init_;
};

}  // namespace

Ramp prores_ramp(const ProResConfig& config, int64_t layer, int64_t layers) {
  const double of_all = 1.0 / static_cast<double>(layers);
  const double of_layer = 1.0 / std::sqrt(static_cast<double>(layer + 1));
  Ramp ramp{.from = 0.0, .length = length_of(config, layer, layers)};
  switch (config.schedule) {
    case ProResSchedule::kLinear:
      break;
    case ProResSchedule::kLinearEqual:
      ramp.length = length_of(config, layers - 1, layers);
      break;
    case ProResSchedule::kLinearReverse:
      ramp.length = length_of(config, layers - 1 - layer, layers);
      break;
    case ProResSchedule::kSqrt:
      ramp.power = 0.5;
      break;
    case ProResSchedule::kSquare:
      ramp.power = 2.0;
      break;
    case ProResSchedule::kStagewise0:
      return stage(config, layer, layers, 0.0);
    case ProResSchedule::kStagewiseAll:
      return stage(config, layer, layers, of_all);
    case ProResSchedule::kStagewiseRootAll:
      return stage(config, layer, layers, std::sqrt(of_all));
    case ProResSchedule::kStagewiseRootLayer:
      return stage(config, layer, layers, of_layer);
    case ProResSchedule::kFixAll:
      return {.from = of_all, .to = of_all};
    case ProResSchedule::kFixRootAll:
      return {.from = std::sqrt(of_all), .to = std::sqrt(of_all)};
    case ProResSchedule::kFixRootLayer:
      return {.from = of_layer, .to = of_layer};
  }
  return ramp;
}

std::unique_ptr<Scheme> with_warm_up(std::unique_ptr<Scheme> scheme, const ProResConfig& config,
                                     config::NormInit init) {
  return std::make_unique<WarmedUp>(std::move(scheme), config, init);
}

}  // namespace strata::norm
