#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "strata/data/source.h"
#include "strata/data/tokenize.h"
#include "strata/data/tokenizer.h"

namespace strata::data {

/// A folder of token shards, shared by all processes and runs that name it.
///
/// A shard's name holds a key of its source's file names, sizes and times of change (or its URL), the tokenizer, and
/// the treatment of bad documents; what has changed is simply another shard. One process makes a shard, under a lock;
/// the others see it whole or not at all. What was downloaded for it is removed when it is made.
class ShardCache {
 public:
  /// Makes the folder. `options` are those of `tokenize`.
  ShardCache(std::filesystem::path folder, std::shared_ptr<const Tokenizer> tokenizer, TokenizeOptions options);

  /// Where the shard of `source` is or will be. Throws Error if a file of the source is gone.
  std::filesystem::path path_of(const Source& source) const;

  enum class Outcome { kThere, kMade, kBusy, kStopped };

  /// Makes the shard unless it is there; kBusy, at once, while another process or thread makes it.
  Outcome make(const Source& source, const std::stop_token& stop = {}) const;

  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  bool make_from_url(const Source& source, const std::filesystem::path& path, const std::stop_token& stop) const;
  bool make_from_files(const Source& source, const std::filesystem::path& path, const std::stop_token& stop) const;

  std::filesystem::path folder_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  TokenizeOptions options_;
};

}  // namespace strata::data
