#include "strata/norm/make.h"

#include "strata/base/text.h"
#include "strata/config/key_error.h"
#include "strata/norm/gpas.h"

namespace strata::norm {
namespace {

constexpr std::string_view kGatedSuffix = "+gpas";

}  // namespace

std::unique_ptr<Scheme> make_scheme(const config::NormConfig& config) {
  const bool gated = config.scheme.ends_with(kGatedSuffix);
  const std::string name = config.scheme.substr(0, config.scheme.size() - (gated ? kGatedSuffix.size() : 0));
  const SchemeFactory factory = scheme_registry().find(name);
  if (factory == nullptr) {
    throw config::KeyError(
        "norm.scheme", str("unknown scheme \"", config.scheme, "\"", did_you_mean(config.scheme, all_scheme_names()),
                           " (known: ", join(scheme_registry().names(), " "), ", each also with ", kGatedSuffix, ")"));
  }
  SchemeOptions options(config.options);
  auto scheme = factory(options);
  options.require_all_known(name);
  return gated ? with_gates(std::move(scheme), config.gpas.position, config.init) : std::move(scheme);
}

std::vector<std::string> all_scheme_names() {
  std::vector<std::string> names;
  for (const std::string& name : scheme_registry().names()) {
    names.push_back(name);
    names.push_back(name + std::string(kGatedSuffix));
  }
  return names;
}

}  // namespace strata::norm
