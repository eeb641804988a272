#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace strata::test {

/// Writes a zip archive of these names and contents, deflated; names that end in '/' are folders.
void write_zip(const std::filesystem::path& path, const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace strata::test
