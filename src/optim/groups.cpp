#include "strata/optim/groups.h"

#include <algorithm>
#include <string_view>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/config/key_error.h"
#include "strata/optim/optimizer.h"

namespace strata::optim {
namespace {

using Values = std::map<std::string, double>;

constexpr std::string_view kKinds[] = {"embedding", "head", "matrices", "gains", "gates"};

std::string_view kind_of(const ParamSpec& param) {
  switch (param.role) {
    case ParameterRole::kEmbedding:
      return "embedding";
    case ParameterRole::kHead:
      return "head";
    case ParameterRole::kGain:
      return "gains";
    case ParameterRole::kGate:
      return "gates";
    case ParameterRole::kLinear:
      break;
  }
  return "matrices";
}

bool is_kind(std::string_view group) { return std::ranges::find(kKinds, group) != std::end(kKinds); }

// * stands for any text.
bool matches(std::string_view pattern, std::string_view text) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star + 1);
  for (text.remove_prefix(star);; text.remove_prefix(1)) {
    if (matches(pattern, text)) return true;
    if (text.empty()) return false;
  }
}

bool holds(const std::string& group, const ParamSpec& param) {
  return is_kind(group) ? group == kind_of(param) : matches(group, param.name);
}

// A name says more than a kind, and a longer one more than a shorter.
double value_for(const Values& values, const ParamSpec& param, double fallback) {
  double found = fallback;
  size_t rank = 0;
  for (const auto& [group, value] : values) {
    const size_t its_rank = is_kind(group) ? 1 : 1 + group.size();
    if (its_rank <= rank || !holds(group, param)) continue;
    found = value;
    rank = its_rank;
  }
  return found;
}

}  // namespace

Settings settings_of(const config::OptimizerConfig& config, const ParamSpec& param) {
  const bool decays = param.role != ParameterRole::kGain && param.role != ParameterRole::kGate;
  const config::GroupsConfig& groups = config.groups;
  return {.rate_factor = value_for(groups.lr_factor, param, 1.0),
          .beta1 = value_for(groups.beta1, param, config.beta1),
          .beta2 = value_for(groups.beta2, param, config.beta2),
          .eps = value_for(groups.eps, param, config.eps),
          .weight_decay = value_for(groups.weight_decay, param, decays ? config.weight_decay : 0.0)};
}

// Throws for a number that nothing would read.
void check_is_read(const config::OptimizerConfig& config, const std::string& name, const std::string& group,
                   const std::vector<ParamSpec>& params) {
  const auto is_moved_otherwise = [&](const ParamSpec& param) {
    return !holds(group, param) || moves_whole(config, param);
  };
  const bool holds_some = std::ranges::any_of(params, [&](const ParamSpec& param) { return holds(group, param); });
  if (holds_some && std::ranges::all_of(params, is_moved_otherwise)) {
    throw config::KeyError(name, str("optimizer.kind=", config::enum_name(config.kind),
                                     " moves these without betas and eps; lr_factor and weight_decay are theirs"));
  }
}

void check_groups(const config::OptimizerConfig& config, const std::vector<ParamSpec>& params) {
  const auto check = [&](const char* key, const Values& values, double least, bool below_one, bool of_adam) {
    for (const auto& [group, value] : values) {
      const std::string name = str("optimizer.groups.", key, ".", group);
      if (value < least || (below_one && value >= 1.0)) {
        throw config::KeyError(name,
                               str("is ", value, ", must be at least ", least, below_one ? " and less than 1" : ""));
      }
      const bool is_one = is_kind(group) || std::ranges::any_of(params, [&](const ParamSpec& param) {
                            return matches(group, param.name);
                          });
      if (!is_one) {
        throw config::KeyError(
            name, str("is neither a kind of parameter (", join({std::begin(kKinds), std::end(kKinds)}, ", "),
                      ") nor the name of one, in which * stands for any text"));
      }
      if (of_adam) check_is_read(config, name, group, params);
    }
  };
  const config::GroupsConfig& groups = config.groups;
  check("lr_factor", groups.lr_factor, 0.0, false, false);
  check("weight_decay", groups.weight_decay, 0.0, false, false);
  check("beta1", groups.beta1, 0.0, true, true);
  check("beta2", groups.beta2, 0.0, true, true);
  check("eps", groups.eps, config::OptimizerConfig::kLeastEps, false, true);
}

}  // namespace strata::optim
