#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace strata::hub {

inline constexpr const char* kEmbeddingName = "model.embed_tokens.weight";
inline constexpr const char* kHeadName = "lm_head.weight";

/// What an index says, {tensor: file beside it}. Throws Error for what is no index, and for a file that is a path.
std::map<std::string, std::string> read_weight_map(const std::filesystem::path& index);

}  // namespace strata::hub
