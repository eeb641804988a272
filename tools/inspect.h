#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>

#include "strata/nn/model_spec.h"

namespace strata::tools {

/// Prints a config and a report behind it as YAML comments, so that the whole output loads as a config.
void print_with_comments(const std::string& yaml, const std::string& report);

/// "70,578,700 parameters, 0.335 GFLOP per token of a row of 256"
std::string model_summary(const nn::ModelSpec& spec, int64_t context);

/// Tables of its parameters and junctions.
std::string model_report(const nn::ModelSpec& spec, at::ScalarType dtype, bool parameters);

/// What a model folder holds; a checkpoint is verified too. Throws Error for one that cannot be trusted.
void inspect_folder(const std::filesystem::path& folder, bool parameters);

/// Says where two model folders differ. Throws Stopped{1} if they do.
void compare_folders(const std::filesystem::path& one, const std::filesystem::path& other);

}  // namespace strata::tools
