#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "strata/data/batch_source.h"
#include "strata/data/order.h"
#include "strata/data/prefetcher.h"
#include "strata/data/rows.h"
#include "strata/data/shard_set.h"
#include "strata/data/token_batch.h"

namespace strata::data {

struct LoaderOptions {
  RowOptions rows;
  Shuffle shuffle = config::ShuffleScope::kGlobal;
  BatchOptions batches = {};
};

/// Yields the global batches from a cursor on, forever, prepared ahead on a thread. What they hold depends on the
/// cursor, the shards, `rows`, `shuffle` and `batches.global_batch` alone.
class BatchLoader final : public BatchSource {
 public:
  /// `shards`: in the order of the epoch of `start`. Throws UsageError, naming the keys, for batch sizes that do not
  /// divide, a vocabulary that is too small, and a disk budget that cannot hold what a global shuffle mixes.
  BatchLoader(std::unique_ptr<ShardSet> shards, const LoaderOptions& options, const OrderCursor& start);
  ~BatchLoader() override;

  /// Waits where the thread is behind. Throws what went wrong while the batch was prepared.
  GlobalBatch next() { return prefetcher_->next(); }

  std::optional<GlobalBatch> next_unless(const std::function<bool()>& give_up) override {
    return prefetcher_->next_unless(give_up);
  }

  /// Known where the rows of all shards are mixed: it waits for them then.
  std::vector<std::string> description(int64_t batches) override;

  /// The next batch is the one that begins at `cursor`.
  void seek(const OrderCursor& cursor);

  const ShardSet& shards() const { return *shards_; }

 private:
  RowPlace next_place();
  GlobalBatch prepare();

  std::unique_ptr<ShardSet> shards_;
  Shuffle shuffle_;
  BatchOptions batches_;
  Rows rows_;
  RowOrder order_;
  OrderCursor cursor_;    // of the thread
  OrderCursor expected_;  // in the epoch whose order the shards follow
  std::unique_ptr<Prefetcher<GlobalBatch>> prefetcher_;
};

/// A fixed set of rows for evaluation: unshuffled, from the start, until it holds `tokens` tokens (there are no pads)
/// or all rows are in it.
class ValidationSet final : public BatchSet {
 public:
  /// Waits for the shards that it needs.
  ValidationSet(std::unique_ptr<ShardSet> shards, const RowOptions& rows, int64_t tokens, int64_t micro_batch,
                int64_t vocab_size, const BatchShape& shape = {});

  int64_t num_batches() const override {
    return (static_cast<int64_t>(places_.size()) + micro_batch_ - 1) / micro_batch_;
  }
  int64_t num_rows() const { return static_cast<int64_t>(places_.size()); }
  int64_t num_tokens() const { return num_tokens_; }
  /// Tells the rows' tokens apart from others', wherever they lie.
  uint64_t fingerprint() const;

  /// Micro-batch `index`; the last one may have fewer rows.
  TokenBatch batch(int64_t index) const override;

 private:
  std::unique_ptr<ShardSet> shards_;
  Rows rows_;
  int64_t micro_batch_;
  int64_t vocab_size_;
  BatchShape shape_;
  std::vector<RowPlace> places_;
  int64_t num_tokens_ = 0;
};

}  // namespace strata::data
