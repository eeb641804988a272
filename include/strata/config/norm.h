#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "strata/base/gate.h"
#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

enum class NormInit { kDefault, kReference };
constexpr std::array<std::string_view, 2> enum_names(NormInit) { return {"default", "reference"}; }

/// Which Gate a scheme gets; auto and input are about its sub-layers, not about one junction.
enum class GpasPosition { kAuto, kSum, kSkip, kBranch, kNorm, kInput };
constexpr std::array<std::string_view, 6> enum_names(GpasPosition) {
  return {"auto", "sum", "skip", "branch", "norm", "input"};
}

enum class GpasPer { kLayer, kSublayer };
constexpr std::array<std::string_view, 2> enum_names(GpasPer) { return {"layer", "sublayer"}; }

/// norm.gpas.*: the gate y = h - activation(alpha) * stop_gradient(h), where a scheme ends in +gpas
struct GpasConfig {
  GpasPosition position = GpasPosition::kAuto;
  bool stop_gradient = true;
  GateActivation activation = GateActivation::kSilu;
  double start = 0.0;
  bool learnable = true;
  GpasPer per = GpasPer::kLayer;

  void fields(auto& field) {
    field("position", position, Affects::kModel,
          "what the gate scales; auto: the skip where a norm follows the sum, else the sum");
    field("stop_gradient", stop_gradient, Affects::kModel, "the gate leaves the gradient of what it scales as it is");
    field("activation", activation, Affects::kModel, "of alpha");
    field("start", start, Affects::kModel, "alpha at the start");
    field("learnable", learnable, Affects::kModel, "alpha is trained");
    field("per", per, Affects::kModel, "one alpha per layer or per sub-layer");
  }

  bool operator==(const GpasConfig&) const = default;
};

enum class ProResSchedule {
  kLinear,
  kLinearEqual,
  kLinearReverse,
  kSqrt,
  kSquare,
  kStagewise0,
  kStagewiseAll,
  kStagewiseRootAll,
  kStagewiseRootLayer,
  kFixAll,
  kFixRootAll,
  kFixRootLayer
};
constexpr std::array<std::string_view, 12> enum_names(ProResSchedule) {
  return {"linear",      "linear_equal",     "linear_reverse",   "sqrt",  "square",     "stagewise_0",
          "stagewise_L", "stagewise_sqrt_L", "stagewise_sqrt_l", "fix_L", "fix_sqrt_L", "fix_sqrt_l"};
}

/// norm.prores.*: how branches come in, layer by layer, where a scheme ends in +prores
struct ProResConfig {
  static constexpr int64_t kAutoWarmup = 0;

  int64_t warmup_steps = kAutoWarmup;
  ProResSchedule schedule = ProResSchedule::kLinear;

  void fields(auto& field) {
    field("warmup_steps", warmup_steps, Affects::kModel,
          "updates until the last layer's branches come in whole; auto: 1000 for each layer", at_least(1),
          Word{"auto", kAutoWarmup});
    field("schedule", schedule, Affects::kModel,
          "linear: layer l of L in l W/L updates; _equal: all in W; _reverse: the last first; sqrt, square: of the "
          "linear share; stagewise: one layer after the other, from 0, 1/L, 1/sqrt(L) or 1/sqrt(l); fix: always that");
  }

  bool operator==(const ProResConfig&) const = default;
};

/// norm.*: which normalisation scheme, and its options. The scheme itself checks its name and options.
struct NormConfig {
  std::string scheme = "pre";
  NormInit init = NormInit::kDefault;
  std::map<std::string, double> options;
  GpasConfig gpas;
  ProResConfig prores = {};

  void fields(auto& field) {
    field("scheme", scheme, Affects::kModel,
          "normalisation scheme, with +gpas behind it for gates, +prores for branches that come in layer by layer: "
          "pre, pre+gpas, ...");
    field("init", init, Affects::kModel, "the scheme's own initial weights, or what the paper's code gives them");
    field("options", options, Affects::kModel, "numbers that belong to the scheme, by name");
    field("gpas", gpas, "the gates of a +gpas scheme");
    field("prores", prores, "the warm-up of a +prores scheme");
  }

  bool operator==(const NormConfig&) const = default;
};

}  // namespace strata::config
