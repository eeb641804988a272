#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/field.h"
#include "strata/config/run_config.h"

namespace strata::config {

/// The sections of a config, which must outlive them.
std::vector<Field> fields_of(RunConfig& config);

/// "train" and "steps" make "train.steps".
std::string joined_key(const std::string& section, const std::string& key);

/// Gives every key below them to `use`, in order: "train.steps" and its field.
void for_each_key(const std::vector<Field>& fields, const std::function<void(const std::string&, const Field&)>& use,
                  const std::string& section = "");

/// Sets what the node gives; the rest keeps its value. `section` is the key of the node, empty at the top.
/// Throws UsageError that begins with the place of what is wrong.
void assign(const std::vector<Field>& fields, const Node& node, const std::string& section = "");

/// Every value, as a map.
Node values_of(const std::vector<Field>& fields);

}  // namespace strata::config
