#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace strata::study {

/// The JSON object in a file; nothing where there is none, or where a run that goes on is about to write it.
std::optional<nlohmann::json> object_at(const std::filesystem::path& path);

}  // namespace strata::study
