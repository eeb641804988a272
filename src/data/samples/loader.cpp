#include "strata/data/samples/loader.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/integers.h"

namespace strata::data {
SampleLoader::SampleLoader(const SampleBlocks& blocks, const SampleLoaderOptions& options, const OrderCursor& start)
    : blocks_(blocks),
      epochs_(options.epochs),
      batches_(options.batches),
      order_(options.shuffle ? Shuffle(config::ShuffleScope::kGlobal) : std::nullopt, 1,
             [&blocks](int64_t) { return blocks.size(); }),
      cursor_(start) {
  STRATA_ASSERT(blocks.size() > 0 && batches_.prefetch > 0);
  STRATA_ASSERT(batches_.micro_batch > 0 && batches_.global_batch % batches_.micro_batch == 0);
  prefetcher_ = std::make_unique<Prefetcher<std::unique_ptr<GlobalBatch>>>(static_cast<size_t>(batches_.prefetch),
                                                                           [this] { return prepare(); });
}

std::optional<GlobalBatch> SampleLoader::next_unless(const std::function<bool()>& give_up) {
  const auto next = prefetcher_->next_unless(give_up);
  if (!next || !*next) return std::nullopt;
  return std::move(**next);
}

int64_t SampleLoader::steps_per_epoch(const SampleBlocks& blocks, int64_t global_batch) {
  return quotient_up(blocks.size(), global_batch);
}

void SampleLoader::end_epoch_where_due() {
  if (cursor_.row >= blocks_.size()) cursor_ = {.seed = cursor_.seed, .epoch = cursor_.epoch + 1, .row = 0};
}

// nullptr after the last epoch.
std::unique_ptr<GlobalBatch> SampleLoader::prepare() {
  end_epoch_where_due();
  if (cursor_.epoch >= epochs_) return nullptr;
  GlobalBatch batch;
  batch.begin = cursor_;
  std::vector<int64_t> chosen;
  const int64_t end = std::min(cursor_.row + batches_.global_batch, blocks_.size());
  for (; cursor_.row < end; ++cursor_.row) {
    chosen.push_back(order_.find(cursor_).row);
    batch.num_tokens += blocks_.num_tokens(chosen.back());
    batch.num_targets += blocks_.num_targets(chosen.back());
  }
  end_epoch_where_due();
  batch.end = cursor_;
  for (const int64_t micro : batches_.micro_batches()) {
    TokenRows rows, labels;
    const int64_t stop = std::min((micro + 1) * batches_.micro_batch, std::ssize(chosen));
    for (int64_t i = micro * batches_.micro_batch; i < stop; ++i) {
      blocks_.read(chosen[static_cast<size_t>(i)], rows, labels);
    }
    batch.micro_batches.push_back(
        rows.empty() ? TokenBatch::empty() : TokenBatch::from_rows(rows, &labels, batches_.vocab_size, batches_.shape));
  }
  return std::make_unique<GlobalBatch>(std::move(batch));
}

int64_t HeldOutSet::num_batches() const { return quotient_up(std::ssize(samples_), micro_batch_); }

TokenBatch HeldOutSet::batch(int64_t index) const {
  TokenRows rows, labels;
  const int64_t end = std::min((index + 1) * micro_batch_, std::ssize(samples_));
  for (int64_t i = index * micro_batch_; i < end; ++i) append_row(samples_[static_cast<size_t>(i)], rows, labels);
  return TokenBatch::from_rows(rows, &labels, vocab_size_, shape_);
}

}  // namespace strata::data
