#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "strata/data/shard_cache.h"
#include "strata/data/token_shard.h"

namespace strata::data {

/// The token shards of a data set, by the place of their sources in the list. A thread makes and opens them ahead of
/// need, a few more than were asked for. Safe to use from several threads.
class ShardSet {
 public:
  /// Begins to download, make and open the shards, in the order of `order` (each shard once).
  ShardSet(std::vector<Source> sources, std::shared_ptr<const ShardCache> cache, const std::vector<int64_t>& order);

  /// Stops what is being made; it will be made from its start again.
  ~ShardSet();

  int64_t size() const { return static_cast<int64_t>(sources_.size()); }
  const std::vector<Source>& sources() const { return sources_; }
  const Tokenizer& tokenizer() const { return cache_->tokenizer(); }

  /// Waits until the shard is there; it is next in line from now on. Throws what went wrong while it was made.
  const TokenShard& at(int64_t index);

  /// Makes every `at` that waits, now or later, throw: for the end of the program.
  void close();

 private:
  void work(const std::stop_token& stop);
  bool open(int64_t index, const std::stop_token& stop);

  std::vector<Source> sources_;
  std::shared_ptr<const ShardCache> cache_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::deque<int64_t> missing_;
  std::vector<std::unique_ptr<const TokenShard>> shards_;
  std::vector<bool> asked_for_;  // by index
  int64_t ahead_ = 0;            // opened, but not asked for yet
  int64_t waiting_ = 0;          // threads in `at`
  std::exception_ptr failure_;
  std::jthread worker_;  // last: it uses all of the above
};

}  // namespace strata::data
