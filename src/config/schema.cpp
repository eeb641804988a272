#include "config/schema.h"

#include <algorithm>

#include "strata/base/check.h"

namespace strata::config {
namespace {

[[noreturn]] void fail(const Node& node, const std::string& key, const std::string& message) {
  throw UsageError(node.place + ": " + (key.empty() ? "" : on_one_line(key) + ": ") + message);
}

const Field& known_field(const std::vector<Field>& fields, const std::string& section, const Node::Entry& entry) {
  const auto& [key, value] = entry;
  const auto found = std::ranges::find(fields, key, &Field::key);
  if (found != fields.end()) return *found;
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.key);
  fail(value, joined_key(section, key),
       str("unknown key", did_you_mean(key, names), " (known: ", join(names, " "), ")"));
}

[[noreturn]] void fail_as_no_map(const Node& node, const std::string& section, const std::string& alternative) {
  fail(node, section, str("expected keys with values (a map)", alternative, ", got ", show_briefly(node)));
}

void assign_section(const Field& field, const Node& node, const std::string& section) {
  if (!field.assign_none || node.kind == Node::Kind::kNull || node.kind == Node::Kind::kMap) {
    assign(field.children, node, section);
  } else if (node.kind == Node::Kind::kScalar && node.text == "none") {
    field.assign_none();
  } else {
    fail_as_no_map(node, section, " or none");
  }
}

}  // namespace

std::vector<Field> fields_of(RunConfig& config) {
  FieldList list;
  config.fields(list);
  return std::move(list.fields);
}

std::string joined_key(const std::string& section, const std::string& key) {
  return section.empty() ? key : section + "." + key;
}

void for_each_key(const std::vector<Field>& fields, const std::function<void(const std::string&, const Field&)>& use,
                  const std::string& section) {
  for (const Field& field : fields) {
    const std::string key = joined_key(section, field.key);
    if (field.is_section()) {
      for_each_key(field.children, use, key);
    } else {
      use(key, field);
    }
  }
}

void assign(const std::vector<Field>& fields, const Node& node, const std::string& section) {
  if (node.kind == Node::Kind::kNull) return;
  if (node.kind != Node::Kind::kMap) fail_as_no_map(node, section, "");
  for (const Node::Entry& entry : node.entries) {
    const Field& field = known_field(fields, section, entry);
    const auto& [key, value] = entry;
    if (field.is_section()) {
      assign_section(field, value, joined_key(section, key));
    } else if (const std::string problem = field.assign(value, joined_key(section, key)); !problem.empty()) {
      fail(value, joined_key(section, key), problem + did_you_mean(value.text, field.choices));
    }
  }
}

Node values_of(const std::vector<Field>& fields) {
  Node map{.kind = Node::Kind::kMap};
  for (const Field& field : fields) {
    map.entries.emplace_back(field.key, field.is_section() ? values_of(field.children) : field.value());
  }
  return map;
}

}  // namespace strata::config
