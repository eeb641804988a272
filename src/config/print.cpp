#include "strata/config/print.h"

#include <algorithm>
#include <map>

#include "config/schema.h"
#include "config/yaml.h"
#include "strata/base/check.h"

namespace strata::config {

std::string to_yaml(const RunConfig& config) {
  RunConfig copy = config;
  return emit_yaml(values_of(fields_of(copy)));
}

std::string to_yaml(const RunConfig& config, const std::vector<std::string>& sections) {
  RunConfig copy = config;
  std::vector<Field> fields = fields_of(copy);
  std::erase_if(fields, [&](const Field& field) { return std::ranges::find(sections, field.key) == sections.end(); });
  STRATA_ASSERT(fields.size() == sections.size());
  return emit_yaml(values_of(fields));
}

std::vector<std::pair<std::string, std::string>> flatten(const RunConfig& config) {
  RunConfig copy = config;
  std::vector<std::pair<std::string, std::string>> pairs;
  for_each_key(fields_of(copy),
               [&](const std::string& key, const Field& field) { pairs.emplace_back(key, show(field.value())); });
  return pairs;
}

std::vector<Difference> differences(const RunConfig& before, const RunConfig& now) {
  std::vector<Difference> found;
  const auto old_values = flatten(before);
  const auto new_values = flatten(now);
  for (size_t i = 0; i < new_values.size(); ++i) {
    const auto& [key, value] = new_values[i];
    if (value != old_values[i].second) found.push_back({key, old_values[i].second, value});
  }
  return found;
}

Affects affects_of(const std::string& key) {
  static const std::map<std::string, Affects> kAffects = [] {
    RunConfig config;
    std::map<std::string, Affects> affects;
    for_each_key(fields_of(config), [&](const std::string& key, const Field& field) { affects[key] = field.affects; });
    return affects;
  }();
  return kAffects.at(key);
}

}  // namespace strata::config
