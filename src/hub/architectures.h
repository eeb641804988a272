#pragma once

#include <string>
#include <vector>

#include "strata/config/model.h"
#include "strata/hub/folding.h"

namespace strata::hub {

/// What transformers calls an architecture, and what it is here.
struct Architecture {
  Stock stock;
  const char* model_type;
  std::vector<std::string> names;  // in `architectures`; the first is the class
  std::string scheme;
  config::QkNorm qk_norm;
  double norm_eps;            // where config.json has none
  int64_t head_dim;           // likewise; 0: hidden_size over heads
  const char* first_version;  // of transformers that is known to read it
};

/// Stock's, in its order.
const std::vector<Architecture>& architectures();

inline const Architecture& architecture(Stock stock) { return architectures()[static_cast<size_t>(stock)]; }

}  // namespace strata::hub
