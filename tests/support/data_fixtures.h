#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "strata/data/shard_set.h"
#include "strata/data/token_shard.h"
#include "strata/data/tokenizer.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace strata::data::test {

/// Text of pseudo-random words; the same number gives the same text.
std::string made_up_text(int number, int words);

/// A tokenizer of 200 pieces, trained on such texts (once per process), and its file.
std::filesystem::path small_model();
std::shared_ptr<const Tokenizer> small_tokenizer();

/// A file `<name>` of JSON lines, gzip where the name says so, with the texts of numbers [first, last), of 1 to 60
/// words.
Source made_up_source(const std::filesystem::path& folder, const std::string& name, int first, int last);

/// A shard that holds these documents, 32,000 words in its vocabulary.
std::filesystem::path write_shard(const std::filesystem::path& path,
                                  const std::vector<std::vector<int32_t>>& documents);

using strata::test::error_of;

}  // namespace strata::data::test
