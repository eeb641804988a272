#pragma once

#include <filesystem>

#include "strata/data/token_batch.h"

namespace strata::tools {

/// A JSON array of arrays of whole numbers. Throws Error naming the file, the row and the position.
data::TokenRows read_token_rows(const std::filesystem::path& file);

/// Tokens of the longest row.
int64_t longest_row(const data::TokenBatch& batch);

}  // namespace strata::tools
