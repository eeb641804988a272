#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/config/norm.h"
#include "strata/norm/scheme.h"

namespace strata::norm {

/// The scheme that `norm.scheme` names, `<scheme>` or `<scheme>+gpas`, with its options.
/// Throws config::KeyError for an unknown name or option.
std::unique_ptr<Scheme> make_scheme(const config::NormConfig& config);

/// Every registered scheme followed by its `+gpas` version, sorted.
std::vector<std::string> all_scheme_names();

}  // namespace strata::norm
