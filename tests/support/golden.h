#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
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

/// tests/golden2, vectors of other schemes by other people's code, which its README.md documents.
std::filesystem::path golden2();

/// A case of golden2, by its file (keel/keel), and our name of its scheme.
struct Golden2Case {
  std::string file;
  std::string scheme;      // and what else of norm.*
  std::string model = {};  // of model.*, behind a comma
};
inline void PrintTo(const Golden2Case& one, std::ostream* out) { *out << one.file; }
const std::vector<Golden2Case>& golden2_cases();

/// Writes the weights that golden2 has for a file as a model folder of ours. Gives the update that it is about, where
/// the scheme moves with them.
std::optional<int64_t> write_golden2_folder(const Golden2Case& one, const std::filesystem::path& folder);

}  // namespace strata::test
