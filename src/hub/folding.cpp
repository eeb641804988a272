#include "strata/hub/folding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "strata/base/check.h"
#include "strata/kernels/junction.h"

namespace strata::hub {
namespace {

using norm::Norm;
using norm::WiredJunction;

std::string place_after(size_t branch) {
  return str("after ", branch % 2 == 0 ? "attention" : "feed-forward", " of layer ", branch / 2);
}

// 1 - activation(alpha), to the bit as a junction multiplies by it.
double gate_factor(const std::string& name, GateActivation activation, const io::TensorFiles& weights) {
  return kernels::gate_factor(activation, weights.tensor(name).to(at::kFloat).item<float>());
}

std::string obstacle_in(const norm::Wiring& wiring) {
  for (size_t branch = 0; branch < wiring.after.size(); ++branch) {
    const WiredJunction& junction = wiring.after[branch];
    if (junction.custom) return str("the junction ", place_after(branch), " is a function of its scheme's own");
    if (junction.rule.branch_norm != Norm::kNone && junction.rule.branch_norm != Norm::kScale)
      return str("what comes ", place_after(branch), " is normalised");
    if (junction.rule.out_norm != Norm::kNone) return str("the sum ", place_after(branch), " is normalised");
    if (junction.rule.next_norm == Norm::kNone) return str("there is no norm ", place_after(branch));
    if (junction.rule.next_norm != Norm::kRms) return str("the norm ", place_after(branch), " is no RMSNorm");
  }
  if (wiring.entry.rule.out_norm != Norm::kNone) return "the embedding is normalised";
  if (wiring.entry.weight) return "the embedding is scaled by a learned number";
  if (wiring.entry.rule.next_norm == Norm::kNone) return "the first branch reads the embedding without a norm";
  return "";
}

std::string obstacle_in(const norm::AttentionNorms& norms) {
  if (norms.value) return "values are normalised";
  return norms.query_key == config::QkNorm::kFull ? "queries and keys are normalised over all heads" : "";
}

// Where norms stand, and that nothing is scaled.
bool is_olmo2(const nn::ModelSpec& spec) {
  const auto is_plain = [&](const WiredJunction& junction, Norm branch_norm, Norm next_norm) {
    const norm::Junction& rule = junction.rule;
    return !junction.custom && rule.gate == Gate::kNone && rule.skip_scale == 1.0 && rule.next_scale == 1.0 &&
           rule.branch_scale.at(spec.update) == 1.0 && rule.branch_norm == branch_norm &&
           rule.out_norm == Norm::kNone && rule.next_norm == next_norm;
  };
  const norm::AttentionNorms wanted{.query_key = config::QkNorm::kFull};
  if (spec.attention_norms != wanted || !is_plain(spec.wiring.entry, Norm::kNone, Norm::kNone)) return false;
  const auto& after = spec.wiring.after;
  return std::ranges::all_of(after, [&](const WiredJunction& junction) {
    return is_plain(junction, Norm::kRms, &junction == &after.back() ? Norm::kRms : Norm::kNone);
  });
}

class Folder {
 public:
  Folder(const nn::ModelSpec& spec, const io::TensorFiles& weights) : spec_(spec), weights_(weights) {}

  Folding fold() {
    pass(spec_.wiring.entry, true);
    for (const WiredJunction& junction : spec_.wiring.after) pass(junction, false);
    return std::move(folding_);
  }

 private:
  void pass(const WiredJunction& junction, bool at_entry) {
    const auto& [skip_scale, branch_scale, branch_norm, out_norm, next_norm, next_scale, position] = junction.rule;
    const double gate = junction.gate ? gate_factor(*junction.gate, spec_.gate.activation, weights_) : 1.0;
    const double skip = skip_scale * folding_.stream * (position == Gate::kSkip ? gate : 1.0);
    const double weight = junction.weight ? weights_.tensor(junction.weight->name).to(at::kDouble).item<double>() : 1.0;
    const double branch = branch_scale.at(spec_.update) * weight * (position == Gate::kBranch ? gate : 1.0);
    if (!at_entry) {
      folding_.branches.push_back(branch / skip);
      folding_.channels.push_back(branch_norm == Norm::kScale ? junction.branch_gain->name : "");
    }
    folding_.stream = skip * (position == Gate::kSum ? gate : 1.0);
    check(skip, junction);
    check(folding_.stream, junction);
    folding_.gains.push_back(next_scale * (position == Gate::kNorm ? gate : 1.0));
  }

  void check(double stream, const WiredJunction& junction) {
    constexpr double kLargest = std::numeric_limits<float>::max();
    if ((stream > 1.0 / kLargest && stream < kLargest) || !folding_.obstacle.empty()) return;
    folding_.obstacle =
        str(junction.gate.value_or("a junction"), " scales the stream to ", stream, " times what it was");
  }

  const nn::ModelSpec& spec_;
  const io::TensorFiles& weights_;
  Folding folding_;
};

}  // namespace

bool Folding::is_identity() const {
  const auto is_one = [](double factor) { return factor == 1.0; };
  return std::ranges::all_of(branches, is_one) && std::ranges::all_of(gains, is_one) &&
         std::ranges::all_of(channels, &std::string::empty);
}

Folding fold(const nn::ModelSpec& spec, const io::TensorFiles& weights) {
  if (is_olmo2(spec)) return {.stock = Stock::kOlmo2};
  std::string obstacle = obstacle_in(spec.wiring);
  if (obstacle.empty()) obstacle = obstacle_in(spec.attention_norms);
  if (!obstacle.empty()) return {.obstacle = std::move(obstacle)};
  Folding folding = Folder(spec, weights).fold();
  if (spec.attention_norms.query_key == config::QkNorm::kHead) folding.stock = Stock::kQwen3;
  return folding;
}

}  // namespace strata::hub
