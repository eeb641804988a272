#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

enum class OptimizerKind { kAdam, kAdamw, kMuon, kAdemamix, kLion };
constexpr std::array<std::string_view, 5> enum_names(OptimizerKind) {
  return {"adam", "adamw", "muon", "ademamix", "lion"};
}

/// How large Muon's update of a matrix [out, in] is.
enum class MuonScale {
  kOriginal,  // sqrt(max(1, out / in)), Keller Jordan's
  kMatchRms,  // 0.2 sqrt(max(out, in)), as large as AdamW's updates are: the same rate does for both
};
constexpr std::array<std::string_view, 2> enum_names(MuonScale) { return {"original", "match_rms"}; }

enum class Orthogonalization { kNewtonSchulz, kPolarExpress };
constexpr std::array<std::string_view, 2> enum_names(Orthogonalization) { return {"newton_schulz", "polar_express"}; }

/// optimizer.muon.*: of optimizer.kind: muon, which moves the layers' matrices; AdamW moves everything else
struct MuonConfig {
  double momentum = 0.95;
  bool nesterov = true;
  MuonScale scale = MuonScale::kMatchRms;
  Orthogonalization orthogonalization = Orthogonalization::kNewtonSchulz;

  void fields(auto& field) {
    field("momentum", momentum, Affects::kNumbers, "decay of the mean of gradients", in_range_below(0.0, 1.0));
    field("nesterov", nesterov, Affects::kNumbers, "the newest gradient counts once more");
    field("scale", scale, Affects::kNumbers,
          "of the update of a matrix [out, in]; original: sqrt(max(1, out/in)); match_rms: 0.2 sqrt(max(out, in)), "
          "as large as AdamW's, so that both go by optimizer.lr");
    field("orthogonalization", orthogonalization, Affects::kNumbers, "five steps of which iteration");
  }

  bool operator==(const MuonConfig&) const = default;
};

/// optimizer.ademamix.*: the slow mean of gradients of optimizer.kind: ademamix
struct AdemamixConfig {
  static constexpr int64_t kAllSteps = 0;

  double beta3 = 0.999;
  double alpha = 8.0;
  int64_t warmup_steps = kAllSteps;

  void fields(auto& field) {
    field("beta3", beta3, Affects::kNumbers, "decay of the slow mean", in_range_below(0.0, 1.0));
    field("alpha", alpha, Affects::kNumbers, "weight of the slow mean in the update", at_least(0.0));
    field("warmup_steps", warmup_steps, Affects::kNumbers, "until both have their values; auto: train.steps",
          at_least(1), Word{"auto", kAllSteps});
  }

  bool operator==(const AdemamixConfig&) const = default;
};

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
  static constexpr double kLeastEps = 1e-30;  // of 0 / 0, a parameter that has had no gradient would become NaN
  OptimizerKind kind = OptimizerKind::kAdam;
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  Rounding rounding = Rounding::kNearest;
  MuonConfig muon = {};
  AdemamixConfig ademamix = {};
  GroupsConfig groups = {};

  void fields(auto& field) {
    field("kind", kind, Affects::kNumbers,
          "adamw: weight decay beside the gradient instead of in it; muon: orthogonal updates of the layers' matrices, "
          "adamw for the rest; ademamix: adamw with a second, slow mean; lion: the sign of a mean");
    field("lr", lr, Affects::kNumbers, "peak learning rate", at_least(0.0));
    field("beta1", beta1, Affects::kNumbers, "decay of the first moment", in_range_below(0.0, 1.0));
    field("beta2", beta2, Affects::kNumbers, "decay of the second moment", in_range_below(0.0, 1.0));
    field("eps", eps, Affects::kNumbers, "added to the root of the second moment", at_least(kLeastEps));
    field("weight_decay", weight_decay, Affects::kNumbers,
          "of matrices; gains and gates only where optimizer.groups says so", at_least(0.0));
    field(
        "rounding", rounding, Affects::kNumbers,
        "of weights and states stored in bf16 (train.precision: bf16); stochastic: up or down by chance, so that steps "
        "too small for bf16 count on average");
    field("muon", muon, "of optimizer.kind: muon");
    field("ademamix", ademamix, "of optimizer.kind: ademamix");
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
