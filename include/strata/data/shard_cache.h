#pragma once

#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "strata/data/source.h"
#include "strata/data/token_shard.h"
#include "strata/data/tokenize.h"
#include "strata/data/tokenizer.h"

namespace strata::data {

/// A folder of token shards, shared by all processes and runs that name it.
///
/// A file of ids that llm.c or Megatron wrote is a shard where it lies; only one of a URL is put here.
///
/// A shard's name holds a key of its source's file names, sizes and times of change (or its URL), the tokenizer, what
/// it puts around documents, and how these are read; what has changed is simply another shard. One process makes a
/// shard, under a lock; the others see it whole or not at all. That one is made is logged. What was downloaded for it
/// is removed when it is made. A shard that was evicted leaves its counts behind in `<shard>.counts`, and is made again
/// when it is needed.
class ShardCache {
 public:
  /// Makes the folder. tokenizer: none where all sources hold tokens. `options` are those of `tokenize`. vocab_size:
  /// the ids of such sources are below it.
  ShardCache(std::filesystem::path folder, std::shared_ptr<const Tokenizer> tokenizer, TokenizeOptions options,
             int64_t vocab_size = std::numeric_limits<int32_t>::max());

  /// Where the shard of `source` is or will be. Throws Error if a file of the source is gone.
  std::filesystem::path path_of(const Source& source) const;

  enum class Outcome { kThere, kMade, kBusy, kStopped };

  /// Makes the shard unless it is there; kBusy, at once, while another process or thread makes it.
  Outcome make(const Source& source, const std::stop_token& stop = {}) const;
  /// As make, but while somebody else makes it, waits and says so. kMade or kThere.
  Outcome make_or_wait(const Source& source) const;

  /// The shard, where it is there. Throws Error for a damaged one.
  std::shared_ptr<const TokenShard> open(const Source& source) const;

  /// Removes the shard, if it is there. Whoever has it mapped may go on reading it.
  void evict(const Source& source, const ShardCounts& counts) const;

  /// What an evicted shard left behind, whether it was made again or not. A damaged file counts as none.
  std::optional<ShardCounts> counts_left_by(const Source& source) const;

  /// Documents of the source that were skipped when the shard was made (skip_bad).
  int64_t skipped_of(const Source& source) const;

  /// Bytes of the shard's file; 0 while it is not there.
  int64_t bytes_of(const Source& source) const;

  /// Tells the shard's tokens apart from others'. It must be there; its file is not verified.
  uint64_t fingerprint_of(const Source& source) const;

  /// None where all sources hold tokens.
  const Tokenizer* tokenizer() const { return tokenizer_.get(); }

 private:
  bool make_shard(const Source& source, const std::filesystem::path& path, const std::stop_token& stop) const;
  bool download_tokens(const Source& source, const std::filesystem::path& path, const std::stop_token& stop) const;
  bool make_from_url(const Source& source, const std::filesystem::path& path, const std::stop_token& stop) const;
  bool make_from_files(const Source& source, const std::filesystem::path& path, const std::stop_token& stop) const;

  std::filesystem::path folder_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  TokenizeOptions options_;
  int64_t vocab_size_;
};

/// Makes the shards that are missing, or waits for who makes them; gives what tells their tokens apart from others',
/// wherever the files lie and whatever they are called.
uint64_t fingerprint_of_tokens(const ShardCache& cache, const std::vector<Source>& sources);

}  // namespace strata::data
