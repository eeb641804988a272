#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "strata/data/batch_source.h"
#include "strata/data/order.h"
#include "strata/data/prefetcher.h"
#include "strata/data/samples/blocks.h"

namespace strata::data {

struct SampleLoaderOptions {
  bool shuffle = true;  // blocks in another order each epoch, as RowOrder's kGlobal; else as they lie
  int64_t epochs = 1;
  BatchOptions batches = {};  // whose rows are blocks
};

/// Yields the global batches from a cursor, whose row counts blocks, to the end of the last epoch, prepared ahead on a
/// thread. Every epoch has every block once. No batch reaches over the end of an epoch: the last one has what is left,
/// its last micro-batches fewer rows or none at all (TokenBatch::empty()), and the next one begins at row 0 of the next
/// epoch. What they hold depends on the cursor, the blocks, `shuffle` and `batches.global_batch` alone.
class SampleLoader final : public BatchSource {
 public:
  /// `blocks` must outlive it.
  SampleLoader(const SampleBlocks& blocks, const SampleLoaderOptions& options, const OrderCursor& start);

  std::optional<GlobalBatch> next_unless(const std::function<bool()>& give_up) override;

  static int64_t steps_per_epoch(const SampleBlocks& blocks, int64_t global_batch);

 private:
  void end_epoch_where_due();
  std::unique_ptr<GlobalBatch> prepare();

  const SampleBlocks& blocks_;
  int64_t epochs_;
  BatchOptions batches_;
  RowOrder order_;
  OrderCursor cursor_;  // of the thread
  std::unique_ptr<Prefetcher<std::unique_ptr<GlobalBatch>>> prefetcher_;
};

/// The held-out samples for evaluation, each a row of its own, `micro_batch` of them at a time.
class HeldOutSet final : public BatchSet {
 public:
  /// `samples` must outlive it.
  HeldOutSet(const std::vector<Sample>& samples, int64_t micro_batch, int64_t vocab_size, const BatchShape& shape = {})
      : samples_(samples), micro_batch_(micro_batch), vocab_size_(vocab_size), shape_(shape) {}

  int64_t num_batches() const override;
  TokenBatch batch(int64_t index) const override;

 private:
  const std::vector<Sample>& samples_;
  int64_t micro_batch_;
  int64_t vocab_size_;
  BatchShape shape_;
};

}  // namespace strata::data
