#pragma once

#include <vector>

#include "strata/base/parameter.h"
#include "strata/config/optimizer.h"

namespace strata::optim {

/// What an optimizer moves a parameter with.
struct Settings {
  double rate_factor = 1.0;
  double beta1 = 0.0, beta2 = 0.0, eps = 0.0;
  double weight_decay = 0.0;

  bool operator==(const Settings&) const = default;
};

/// The config's, and what optimizer.groups says of the parameter. Gains and gates decay only where a group says so.
Settings settings_of(const config::OptimizerConfig& config, const ParamSpec& param);

/// Throws config::KeyError for a number out of range, and for a name that no parameter has.
void check_groups(const config::OptimizerConfig& config, const std::vector<ParamSpec>& params);

}  // namespace strata::optim
