#pragma once

#include <vector>

#include "config/field.h"
#include "strata/config/run_config.h"

namespace strata::config {

/// The sections of a config, which must outlive them.
std::vector<Field> fields_of(RunConfig& config);

/// "train" and "steps" make "train.steps".
std::string joined_key(const std::string& section, const std::string& key);

/// Sets what the node gives; the rest keeps its value. `section` is the key of the node, empty at the top.
/// Throws UsageError that begins with the place of what is wrong.
void assign(const std::vector<Field>& fields, const Node& node, const std::string& section = "");

/// Every value, as a map.
Node values_of(const std::vector<Field>& fields);

}  // namespace strata::config
