#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "strata/config/model.h"
#include "strata/hub/export.h"
#include "strata/nn/model_spec.h"

namespace strata::hub {

/// config.json of a stock model, with the keys of transformers 5 and those of older versions.
nlohmann::json stock_config(Stock stock, const config::ModelConfig& dims, at::ScalarType dtype,
                            const SpecialIds& specials);

/// config.json for modeling_strata.py: the same keys, and the wiring as data.
nlohmann::json wired_config(const config::ModelConfig& dims, const nn::ModelSpec& spec, at::ScalarType dtype,
                            const SpecialIds& specials);

nlohmann::json generation_config(const SpecialIds& specials);

/// The text of src/hub/modeling_strata.py, as it was when the library was built.
std::string_view modeling_strata_py();

}  // namespace strata::hub
