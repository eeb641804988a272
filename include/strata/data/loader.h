#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/data/batch_source.h"
#include "strata/data/mixture.h"
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

/// A source of a mixture.
struct MixedShards {
  std::unique_ptr<ShardSet> shards;
  double weight = 1.0;
  std::string name = {};  // for people
};

class RowSource;
struct ReportedSource;

/// Yields the global batches from a cursor on, forever, prepared ahead on a thread. What they hold depends on the
/// cursor, the shards, their weights, `rows`, `shuffle` and `batches.global_batch` alone.
class BatchLoader final : public BatchSource {
 public:
  /// Throws UsageError, naming the keys, for batch sizes that do not divide, a vocabulary that is too small, and a disk
  /// budget that cannot hold what a global shuffle mixes.
  BatchLoader(std::unique_ptr<ShardSet> shards, const LoaderOptions& options, const OrderCursor& start);
  /// Of a mixture (mixture.h): each source has epochs of its own, and an order by a seed of its own. A cursor of other
  /// sources begins the mixture anew, which is said. Throws UsageError for weights without a share too.
  BatchLoader(std::vector<MixedShards> mixture, const LoaderOptions& options, const OrderCursor& start);
  ~BatchLoader() override;

  /// Waits where the thread is behind. Throws what went wrong while the batch was prepared.
  GlobalBatch next() { return prefetcher_->next(); }

  std::optional<GlobalBatch> next_unless(const std::function<bool()>& give_up) override {
    return prefetcher_->next_unless(give_up);
  }

  /// Counts all shards where their rows are mixed, and waits for them then. Throws Error for a source without a row
  /// that has something to predict.
  std::vector<std::string> description(int64_t batches) override;
  std::vector<std::string> read_before(const OrderCursor& cursor) const override;

  /// The next batch is the one that begins at `cursor`.
  void seek(const OrderCursor& cursor);

 private:
  struct FoundRow {
    RowSource* source = nullptr;
    RowRanges ranges = {};
  };

  BatchLoader(std::vector<MixedShards> sources, bool is_mixture, const LoaderOptions& options,
              const OrderCursor& start);

  bool fits(const OrderCursor& cursor) const;
  OrderCursor fitting(const OrderCursor& cursor) const;
  std::vector<ReportedSource> reported() const;
  FoundRow next_row();
  GlobalBatch prepare();

  Shuffle shuffle_;
  BatchOptions batches_;
  config::RowKind kind_;
  std::optional<Mixture> mixture_;
  std::vector<std::unique_ptr<RowSource>> sources_;  // one, unless there is a mixture
  std::vector<std::string> names_;                   // of a mixture's
  std::vector<int64_t> rows_per_epoch_;              // of each source, once they were counted
  OrderCursor cursor_;                               // of the thread
  std::unique_ptr<Prefetcher<GlobalBatch>> prefetcher_;
};

/// A fixed set of rows for evaluation: unshuffled, across shards where they are packed, from the start, until it holds
/// `tokens` tokens (there are no pads) or all rows are in it.
class ValidationSet final : public BatchSet {
 public:
  /// Waits for the shards that it needs.
  ValidationSet(std::unique_ptr<ShardSet> shards, const RowOptions& rows, int64_t tokens, int64_t micro_batch,
                int64_t vocab_size, const BatchShape& shape = {});

  int64_t num_batches() const override {
    return (static_cast<int64_t>(chosen_.size()) + micro_batch_ - 1) / micro_batch_;
  }
  int64_t num_rows() const { return static_cast<int64_t>(chosen_.size()); }
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
  std::vector<RowRanges> chosen_;
  int64_t num_tokens_ = 0;
};

}  // namespace strata::data
