#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "strata/data/shard_cache.h"
#include "strata/data/token_shard.h"

namespace strata::data {

/// The token shards of a data set, by the place of their sources in the list. A thread makes and opens them ahead of
/// need, a few more than were asked for. Safe to use from several threads.
///
/// The shards of URLs may have a disk budget. Above it those that were asked for leave the cache, least recently first,
/// but never the one that was asked for last; one that is asked for again is made again. Shards that were made ahead
/// stay until they are asked for, and none is made ahead while the budget is full: all together take at most the budget
/// and one shard. What is there at the start counts as asked for once the order has passed over it.
class ShardSet {
 public:
  /// `order`: the shards (each once) as they will be asked for. From the first one asked for they are downloaded, made
  /// and opened in this order. disk_budget: in bytes; 0 for none.
  ShardSet(std::vector<Source> sources, std::shared_ptr<const ShardCache> cache, std::vector<int64_t> order,
           int64_t disk_budget = 0);

  /// Stops what is being made; it will be made from its start again.
  ~ShardSet();

  int64_t size() const { return static_cast<int64_t>(slots_.size()); }
  const std::vector<Source>& sources() const { return sources_; }
  /// None where all sources hold tokens.
  const Tokenizer* tokenizer() const { return cache_->tokenizer(); }

  /// Waits until the shard is there; it is next in line from now on. Throws what went wrong while it was made.
  /// It can be read for as long as it is held, also when it has left the cache.
  std::shared_ptr<const TokenShard> at(int64_t index);

  /// Waits for the shard only if it was never made.
  ShardCounts counts(int64_t index);

  /// Documents that were skipped when the shard was made.
  int64_t skipped(int64_t index) const { return cache_->skipped_of(sources_[static_cast<size_t>(index)]); }

  /// From now on shards will be asked for in another order: that of a new epoch.
  void expect(std::vector<int64_t> order);

  /// Rows of all shards will be mixed, so none may leave the cache. Throws UsageError, here or from `at`, as soon as it
  /// is known that the disk budget is too small for that.
  void need_all();

  /// Makes every `at` that waits, now or later, throw: for the end of the program.
  void close();

 private:
  static constexpr int64_t kNotUsed = -1;
  static constexpr int64_t kPassedOver = 0;

  struct Slot {
    std::shared_ptr<const TokenShard> shard;  // when it is open
    std::optional<ShardCounts> counts;
    int64_t used = kNotUsed;  // when it was asked for, by clock_
    int64_t bytes = 0;        // on the disk, where they count for the budget
  };

  bool is_url(int64_t index) const { return !sources_[static_cast<size_t>(index)].url.empty(); }
  Slot& slot(int64_t index) { return slots_[static_cast<size_t>(index)]; }
  const Slot& slot(int64_t index) const { return slots_[static_cast<size_t>(index)]; }

  // With mutex_ held.
  void move_to(int64_t index);
  std::optional<ShardCounts> known_counts(int64_t index);
  void check_all_fit();
  std::optional<int64_t> next_to_make(const std::vector<int64_t>& busy) const;
  std::optional<int64_t> next_to_evict() const;

  // Of the thread, without it.
  void work(const std::stop_token& stop);
  bool open(int64_t index, const std::stop_token& stop);
  void evict(int64_t index);
  void take_stock();

  std::vector<Source> sources_;
  std::shared_ptr<const ShardCache> cache_;
  int64_t budget_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::vector<int64_t> order_;
  size_t position_;  // in order_, of the shard that was asked for last; its end before the first
  std::vector<Slot> slots_;
  std::vector<int64_t> wanted_;  // by those who wait in `at`
  std::optional<int64_t> last_;  // that was asked for
  int64_t clock_ = kPassedOver;
  int64_t disk_ = 0;  // bytes of all slots
  bool needs_all_ = false;
  std::exception_ptr failure_;
  std::jthread worker_;  // last: it uses all of the above
};

}  // namespace strata::data
