#pragma once

#include <cstdint>

#include "strata/config/checks.h"

namespace strata::config {

/// data.*: what the model reads
struct DataConfig {
  int64_t sequence_length = 256;

  void fields(auto& field) { field("sequence_length", sequence_length, "most tokens in a row", at_least(2)); }

  bool operator==(const DataConfig&) const = default;
};

}  // namespace strata::config
