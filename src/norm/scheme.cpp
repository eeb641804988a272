#include "strata/norm/scheme.h"

#include <algorithm>
#include <cmath>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/key_error.h"
#include "strata/norm/decorator.h"

namespace strata::norm {

double Ramp::at(int64_t update) const {
  const double share = std::clamp((static_cast<double>(update) - begin) / length, 0.0, 1.0);
  return from + (to - from) * (power == 1.0 ? share : std::pow(share, power));
}

std::optional<CustomJunction> Decorator::custom(const Site& site) const {
  if (!scheme_->custom(site)) return std::nullopt;
  throw config::KeyError("norm.scheme", suffix_ + " has no place in a scheme that brings its own junctions");
}

double SchemeOptions::number(const std::string& name, double fallback, double low, double high) {
  known_.push_back({name, fallback});
  const auto found = given_.find(name);
  if (found == given_.end()) return fallback;
  const double value = found->second;
  if (!(value >= low && value <= high)) {
    throw config::KeyError("norm.options." + name, str("is ", value, ", must be from ", low, " to ", high));
  }
  return value;
}

void SchemeOptions::require_all_known(const std::string& scheme) const {
  for (const auto& [name, value] : given_) {
    std::vector<std::string> names;
    for (const Known& known : known_) names.push_back(known.name);
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string offered = names.empty() ? "none" : join(names, " ");
    throw config::KeyError("norm.options." + name, str("unknown option of scheme \"", scheme, "\"",
                                                       did_you_mean(name, names), " (it has: ", offered, ")"));
  }
}

SchemeRegistry& scheme_registry() {
  static SchemeRegistry registry("scheme");
  return registry;
}

}  // namespace strata::norm
