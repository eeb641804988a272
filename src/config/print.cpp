#include "strata/config/print.h"

#include <algorithm>

#include "config/schema.h"
#include "config/yaml.h"
#include "strata/base/check.h"

namespace strata::config {
namespace {

struct Row {
  std::string key;
  std::string value;
  std::string meaning;
};

void add_pairs(const std::vector<Field>& fields, const std::string& section,
               std::vector<std::pair<std::string, std::string>>& pairs) {
  for (const Field& field : fields) {
    const std::string key = joined_key(section, field.key);
    if (field.is_section()) {
      add_pairs(field.children, key, pairs);
    } else {
      pairs.emplace_back(key, show(field.value()));
    }
  }
}

void add_rows(const std::vector<Field>& fields, const std::string& section, std::vector<Row>& rows) {
  for (const Field& field : fields) {
    const std::string key = joined_key(section, field.key);
    if (field.is_section()) {
      add_rows(field.children, key, rows);
    } else {
      rows.push_back({key, show(field.value()), field.help + " (" + field.type + ")"});
    }
  }
}

}  // namespace

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
  add_pairs(fields_of(copy), "", pairs);
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

std::string help() {
  RunConfig defaults;
  std::vector<Row> rows{{"key", "default", "meaning (what it takes)"}};
  add_rows(fields_of(defaults), "", rows);
  int key_width = 0;
  int value_width = 0;
  for (const Row& row : rows) {
    key_width = std::max(key_width, static_cast<int>(row.key.size()) + 2);
    value_width = std::max(value_width, static_cast<int>(row.value.size()) + 2);
  }
  std::string table;
  for (const Row& row : rows) {
    table += padded(row.key, key_width) + padded(row.value, value_width) + row.meaning + "\n";
  }
  return table;
}

}  // namespace strata::config
