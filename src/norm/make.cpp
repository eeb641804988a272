#include "strata/norm/make.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/key_error.h"
#include "strata/norm/gpas.h"
#include "strata/norm/prores.h"
#include "strata/norm/wiring.h"

namespace strata::norm {
namespace {

constexpr std::string_view kSuffixes[] = {kGatesSuffix, kWarmUpSuffix};

}  // namespace

SchemeName parse_scheme_name(const std::string& text) {
  SchemeName name{.base = text, .decorators = {}};
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view suffix : kSuffixes) {
      if (!name.base.ends_with(suffix)) continue;
      name.base.resize(name.base.size() - suffix.size());
      if (name.has(suffix)) throw config::KeyError("norm.scheme", str(text, " has ", suffix, " twice"));
      name.decorators.emplace_back(suffix);
      found = true;
    }
  }
  return name;
}

bool SchemeName::has(std::string_view suffix) const {
  return std::ranges::find(decorators, suffix) != decorators.end();
}

std::unique_ptr<Scheme> make_scheme(const config::NormConfig& config) {
  const SchemeName name = parse_scheme_name(config.scheme);
  const SchemeFactory factory = scheme_registry().find(name.base);
  if (factory == nullptr) {
    throw config::KeyError(
        "norm.scheme", str("unknown scheme \"", config.scheme, "\"", did_you_mean(config.scheme, all_scheme_names()),
                           " (known: ", join(scheme_registry().names(), " "), ", each also with ",
                           join({std::begin(kSuffixes), std::end(kSuffixes)}, " and "), ")"));
  }
  SchemeOptions options(config.options);
  auto scheme = factory(options);
  options.require_all_known(name.base);
  if (name.has(kWarmUpSuffix)) scheme = with_warm_up(std::move(scheme), config.prores, config.init);
  if (name.has(kGatesSuffix)) scheme = with_gates(std::move(scheme), config.gpas.position, config.init);
  return scheme;
}

namespace {

bool takes_gates(const std::string& scheme) {
  config::NormConfig config;
  config.scheme = scheme + std::string(kGatesSuffix);
  try {
    wire(*make_scheme(config), 4, false);
    return true;
  } catch (const config::KeyError&) {
    return false;
  }
}

}  // namespace

Table scheme_table() {
  Table table({{"norm.scheme"}, {"sub-layer"}, {"from"}, {"norm.options"}});
  for (const std::string& name : scheme_registry().names()) {
    SchemeOptions options({});
    const SchemeText text = scheme_registry().find(name)(options)->text();
    std::vector<std::string> known;
    for (const auto& [option, fallback] : options.known()) known.push_back(str(option, "=", fallback));
    table.add({name, std::string(text.equation), std::string(text.source), join(known, " ")});
  }
  table.add({str("...", kGatesSuffix), "what norm.gpas.position names times 1 - act(a), a learned from 0",
             "GPAS (arXiv 2506.22049)", "norm.gpas.*"});
  table.add({str("...", kWarmUpSuffix), "f times min(t/T, 1) in update t, T larger from layer to layer",
             "ProRes (arXiv 2603.05369)", "norm.prores.*"});
  return table;
}

std::vector<std::string> all_scheme_names() {
  std::vector<std::string> names;
  for (const std::string& name : scheme_registry().names()) {
    names.push_back(name);
    if (takes_gates(name)) names.push_back(name + std::string(kGatesSuffix));
  }
  return names;
}

}  // namespace strata::norm
