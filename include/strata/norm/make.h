#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/table.h"
#include "strata/config/norm.h"
#include "strata/norm/scheme.h"

namespace strata::norm {

/// What a scheme's name may end with, in any order.
inline constexpr std::string_view kGatesSuffix = "+gpas";
inline constexpr std::string_view kWarmUpSuffix = "+prores";

/// "pre+gpas+prores", apart.
struct SchemeName {
  std::string base;
  std::vector<std::string> decorators;

  bool has(std::string_view suffix) const;
};

/// Throws config::KeyError for one that it has twice.
SchemeName parse_scheme_name(const std::string& text);

/// The scheme that `norm.scheme` names, `<scheme>` or `<scheme>+gpas+prores`, with its options.
/// Throws config::KeyError for an unknown name or option.
std::unique_ptr<Scheme> make_scheme(const config::NormConfig& config);

/// Every registered scheme and what a name may end with: equation, source, and options with what they are unless given.
Table scheme_table();

/// Every registered scheme followed by its `+gpas` version, if it has a place for gates, sorted.
std::vector<std::string> all_scheme_names();

}  // namespace strata::norm
