#pragma once

#include <filesystem>
#include <string>

#include "strata/data/token_batch.h"

namespace strata::tools {

/// A JSON array of arrays of whole numbers. Throws Error naming the file, the row and the position.
data::TokenRows read_token_rows(const std::filesystem::path& file);

/// A file of ids and one of labels (no name: the ids) as a batch. Throws Error naming the files.
data::TokenBatch read_batch(const std::string& ids, const std::string& labels, int64_t vocab);

/// Rows of random ids, for timing. Lengths spread evenly around 0.76 * longest, C4's mean share, up to longest.
data::TokenRows random_rows(int64_t rows, int64_t longest, int64_t vocab, uint64_t seed);

}  // namespace strata::tools
