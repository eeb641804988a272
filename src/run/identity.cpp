#include "strata/run/identity.h"

#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "strata/base/text.h"
#include "strata/config/print.h"
#include "strata/nn/of_config.h"

namespace strata::run {
namespace {

using nlohmann::json;

std::string hash_of(const json& record) {
  const std::string text = record.dump();  // of a double all that tells it from others
  return hex(XXH3_64bits(text.data(), text.size()));
}

json gain(const std::optional<norm::Gain>& gain) { return gain ? json{gain->name, gain->start} : json(nullptr); }

json record_of(const norm::WiredJunction& junction) {
  const norm::Junction& rule = junction.rule;
  json record{rule.skip_scale, rule.branch_norm, rule.out_norm, rule.next_norm, rule.next_scale, rule.gate};
  record.push_back(gain(junction.branch_gain));
  record.push_back(gain(junction.out_gain));
  record.push_back(gain(junction.next_gain));
  record.push_back(junction.gate.value_or(""));
  return record;
}

// No record can tell functions apart.
bool has_functions(const norm::Wiring& wiring) {
  const auto is_custom = [](const norm::WiredJunction& junction) { return junction.custom.has_value(); };
  return is_custom(wiring.entry) || std::ranges::any_of(wiring.after, is_custom);
}

}  // namespace

bool is_identifying(const std::string& key) {
  if (key == "norm.scheme" || key == "evaluate.tasks.data") return false;
  return config::changes_numbers(config::affects_of(key)) || key.starts_with("evaluate.");
}

std::string fingerprint_of_scheme(const config::RunConfig& config, const nn::ModelSpec& spec) {
  json record{record_of(spec.wiring.entry)};
  for (const norm::WiredJunction& junction : spec.wiring.after) record.push_back(record_of(junction));
  for (const ParamSpec& param : spec.layout.params) {
    record.push_back({param.name, param.shape, param.role, param.start_mean, param.start_std});
  }
  if (has_functions(spec.wiring)) record.push_back(config.norm.scheme);
  return hash_of(record);
}

InputFingerprints fingerprints_of(const config::RunConfig& config, const RunInput& input) {
  return {.data = input.content_fingerprint(),
          .evaluation = input.evaluation_fingerprint(config),
          .tokenizer = input.tokenizer_fingerprint(),
          .model = input.model_fingerprint()};
}

std::string identity_of(const config::RunConfig& config, const InputFingerprints& input) {
  json record{fingerprint_of_scheme(config, nn::describe(config))};
  for (const auto& [key, value] : config::flatten(config)) {
    if (is_identifying(key)) record.push_back({key, value});
  }
  record.push_back({input.data, input.evaluation, input.tokenizer, input.model});
  return hash_of(record);
}

}  // namespace strata::run
