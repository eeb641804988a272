#pragma once

#include <memory>

#include "strata/config/run_config.h"
#include "strata/data/loader.h"

namespace strata::tools {

/// What the keys under `data` name. Throws UsageError, naming the key, for what is missing or does not fit the model.
class TrainingData {
 public:
  explicit TrainingData(const config::RunConfig& config);

  /// Global batches from `start` on, of which this worker computes the micro-batches `mine`.
  data::BatchLoader loader(const data::OrderCursor& start, const std::vector<int64_t>& mine,
                           const data::BatchShape& shape) const;
  /// nullptr without data.validation. Its shards are held, outside data.disk_budget_gb.
  std::unique_ptr<data::ValidationSet> validation(const data::BatchShape& shape) const;
  /// Of data.train.
  uint64_t fingerprint() const { return data::fingerprint_of(train_); }
  const data::Tokenizer& tokenizer() const { return cache_->tokenizer(); }

 private:
  config::RunConfig config_;
  data::RowOptions rows_;
  data::Shuffle shuffle_;
  std::shared_ptr<const data::ShardCache> cache_;
  std::vector<data::Source> train_, validation_;
};

}  // namespace strata::tools
