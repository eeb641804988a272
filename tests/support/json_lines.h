#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

namespace strata::test {

/// Every value of a file of JSON lines but the times, in which equal runs differ.
std::vector<nlohmann::json> lines_without_times(const std::filesystem::path& file);

}  // namespace strata::test
