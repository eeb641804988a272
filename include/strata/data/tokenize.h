#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>

#include "strata/data/source.h"
#include "strata/data/tokenizer.h"

namespace strata::data {

struct TokenizeCounts {
  int64_t documents = 0;
  int64_t tokens = 0;      // what is put around each document included
  int64_t text_bytes = 0;  // of text, before tokenization
  int64_t bad_documents = 0;

  bool operator==(const TokenizeCounts&) const = default;
};

struct TokenizeOptions {
  int threads = 1;
  ReadOptions reading = {};
  /// Called after every few hundred documents, from any of the threads but never by two at once.
  std::function<void(const TokenizeCounts&)> progress = {};
  /// Called once, before the shard gets its name.
  std::function<void(const TokenizeCounts&)> made = {};
};

/// Writes the documents of `source` to a token shard, in their order whatever the number of threads.
/// Nothing is written and nothing returned when `stop` is requested before the end.
std::optional<TokenizeCounts> tokenize(const Source& source, const Tokenizer& tokenizer, const TokenizeOptions& options,
                                       const std::filesystem::path& output, const std::stop_token& stop = {});

}  // namespace strata::data
