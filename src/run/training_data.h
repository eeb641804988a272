#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "strata/data/loader.h"
#include "strata/data/shard_cache.h"
#include "strata/run/input.h"

namespace strata::run {

/// What the keys under `data` name. Throws UsageError, naming the key, for what is missing or does not fit the model.
class TrainingData final : public RunInput {
 public:
  explicit TrainingData(const config::RunConfig& config);

  const data::Tokenizer* tokenizer() const override { return cache_->tokenizer(); }
  /// Of data.train, and of how it is read.
  uint64_t fingerprint() const override;
  /// Its tokens, where all of them are needed before the first step: with a global shuffle of files.
  uint64_t content_fingerprint() const override;
  uint64_t evaluation_fingerprint(const config::RunConfig& config) const override;
  config::RowKind rows() const override { return rows_.kind; }
  std::unique_ptr<data::BatchSource> batches(const Settled& run, const data::BatchOptions& options,
                                             const data::OrderCursor& start) const override;
  void initialise(const Settled& run, nn::Parameters& parameters) const override;
  /// On data.validation. Its shards are held, outside data.disk_budget_gb.
  std::optional<train::EvaluationPlan> evaluation(const Settled& run, train::Training& training) const override;
  double flops_per_token(const Settled& run) const override;

 private:
  std::unique_ptr<data::ValidationSet> validation_set(const config::RunConfig& config,
                                                      const data::BatchShape& shape) const;

  // A source of data.train; a plain list is one.
  struct Part {
    std::string name;  // for people
    double weight = 1.0;
    std::vector<data::Source> sources = {};
  };

  std::vector<data::Source> all_sources() const;
  uint64_t with_reading(uint64_t files) const;
  uint64_t fingerprint_of(const std::function<uint64_t(const std::vector<data::Source>&)>& fingerprint) const;
  std::unique_ptr<data::ShardSet> shards_of(const std::vector<data::Source>& sources, int64_t disk_budget) const;

  data::RowOptions rows_;
  data::ReadOptions reading_;
  data::Shuffle shuffle_;
  std::shared_ptr<const data::ShardCache> cache_;
  std::optional<data::Mixture> mixture_;
  std::vector<Part> train_;
  std::vector<data::Source> validation_;
};

}  // namespace strata::run
