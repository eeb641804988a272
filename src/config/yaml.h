#pragma once

#include <string>

#include "config/node.h"

// The only way to yaml-cpp.
namespace strata::config {

/// The value that a file holds; null if it is empty. Throws UsageError that begins with "file:line".
Node parse_yaml_file(const std::string& text, const std::string& file);

/// The value of an override; `place` goes into every node and before every complaint.
Node parse_yaml_value(const std::string& text, const std::string& place);

/// Block style, lists in flow style.
std::string emit_yaml(const Node& node);

}  // namespace strata::config
