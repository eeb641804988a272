#pragma once

#include <filesystem>

#include "strata/config/run_config.h"
#include "strata/nn/parameters.h"

namespace strata::nn {

inline constexpr const char* kWeightsFile = "model.safetensors";
inline constexpr const char* kConfigFile = "config.yaml";

/// A model on disk: `model.safetensors`, and in `config.yaml` the sections `model` and `norm`. Makes the folder.
void save_model_folder(const config::RunConfig& config, const Parameters& parameters,
                       const std::filesystem::path& folder);

}  // namespace strata::nn
