#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

enum class OptimizerKind { kAdam, kAdamw };
constexpr std::array<std::string_view, 2> enum_names(OptimizerKind) { return {"adam", "adamw"}; }

enum class Rounding { kNearest, kStochastic };
constexpr std::array<std::string_view, 2> enum_names(Rounding) { return {"nearest", "stochastic"}; }

/// optimizer.groups.*: what some parameters have of their own. By the kind of a parameter (embedding, head, matrices,
/// gains, gates) or by its name, in which * stands for any text; names come before kinds, longer ones before shorter.
struct GroupsConfig {
  std::map<std::string, double> lr_factor = {}, weight_decay = {}, beta1 = {}, beta2 = {}, eps = {};

  void fields(auto& field) {
    field("lr_factor", lr_factor, Affects::kNumbers,
          "what the learning rate is multiplied by: {embedding: 10} or {\"*.mlp.*\": 0.5}");
    field("weight_decay", weight_decay, Affects::kNumbers, "{embedding: 0, model.norm.weight: 0.1}");
    field("beta1", beta1, Affects::kNumbers, "as optimizer.beta1");
    field("beta2", beta2, Affects::kNumbers, "as optimizer.beta2");
    field("eps", eps, Affects::kNumbers, "as optimizer.eps");
  }

  bool operator==(const GroupsConfig&) const = default;
};

/// optimizer.*: how gradients become updates
struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::kAdam;
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  Rounding rounding = Rounding::kNearest;
  GroupsConfig groups = {};

  void fields(auto& field) {
    field("kind", kind, Affects::kNumbers, "adamw: weight decay beside the gradient instead of in it");
    field("lr", lr, Affects::kNumbers, "peak learning rate", at_least(0.0));
    field("beta1", beta1, Affects::kNumbers, "decay of the first moment", in_range_below(0.0, 1.0));
    field("beta2", beta2, Affects::kNumbers, "decay of the second moment", in_range_below(0.0, 1.0));
    field("eps", eps, Affects::kNumbers, "added to the root of the second moment", at_least(0.0));
    field("weight_decay", weight_decay, Affects::kNumbers,
          "of matrices; gains and gates only where optimizer.groups says so", at_least(0.0));
    field(
        "rounding", rounding, Affects::kNumbers,
        "of weights and states stored in bf16 (train.precision: bf16); stochastic: up or down by chance, so that steps "
        "too small for bf16 count on average");
    field("groups", groups, "what some parameters have of their own, by kind or name");
  }

  bool operator==(const OptimizerConfig&) const = default;
};

enum class ScheduleKind { kCosine, kLinear, kConstant, kWsd, kReference, kWsdReference };
constexpr std::array<std::string_view, 6> enum_names(ScheduleKind) {
  return {"cosine", "linear", "constant", "wsd", "reference", "wsd_reference"};
}

/// schedule.*: the learning rate over the steps
struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::kCosine;
  int64_t warmup_steps = 0;
  double min_ratio = 0.1;
  int64_t decay_steps = 0;
  int64_t steps = 0;

  void fields(auto& field) {
    field("kind", kind, Affects::kNumbers,
          "after a linear warm-up; wsd: constant, then linear in the last decay_steps; reference: as the paper's code, "
          "cosine, one update more than train.steps, the first at rate 0; wsd_reference: as ProRes's code, wsd down to "
          "0, the same one update more");
    field("warmup_steps", warmup_steps, Affects::kNumbers, "steps until the peak", at_least(0));
    field("min_ratio", min_ratio, Affects::kNumbers, "where the decay ends, as a share of the peak",
          in_range(0.0, 1.0));
    field("decay_steps", decay_steps, Affects::kNumbers, "of wsd; 0: a tenth of the steps", at_least(0));
    field("steps", steps, Affects::kNumbers, "length of the schedule; 0: train.steps", at_least(0));
  }

  bool operator==(const ScheduleConfig&) const = default;
};

}  // namespace strata::config
