#pragma once

#include "run_input.h"
#include "strata/data/loader.h"

namespace strata::tools {

/// What the keys under `data` name. Throws UsageError, naming the key, for what is missing or does not fit the model.
class TrainingData final : public RunInput {
 public:
  explicit TrainingData(const config::RunConfig& config);

  const data::Tokenizer& tokenizer() const override { return cache_->tokenizer(); }
  /// Of data.train.
  uint64_t fingerprint() const override { return data::fingerprint_of(train_); }
  std::unique_ptr<data::BatchSource> batches(const data::OrderCursor& start, const std::vector<int64_t>& mine,
                                             const data::BatchShape& shape) const override;
  void initialise(nn::Parameters& parameters) const override;
  /// On data.validation. Its shards are held, outside data.disk_budget_gb.
  std::unique_ptr<train::Hook> evaluation(train::Training& training, train::RunLogs* logs,
                                          int64_t last_step) const override;
  double flops_per_token() const override;

 private:
  config::RunConfig config_;
  data::RowOptions rows_;
  data::Shuffle shuffle_;
  std::shared_ptr<const data::ShardCache> cache_;
  std::vector<data::Source> train_, validation_;
};

}  // namespace strata::tools
