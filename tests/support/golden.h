#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace strata::test {

/// tests/golden/model, which its README.md documents.
std::filesystem::path golden_model();

/// A scheme of the golden vectors: the paper's name for it and ours.
struct GoldenScheme {
  std::string theirs;
  std::string ours;
};
const std::vector<GoldenScheme>& golden_schemes();

/// Writes the golden weights of a scheme as a model folder of ours.
void write_golden_folder(const GoldenScheme& scheme, const std::filesystem::path& folder);

}  // namespace strata::test
