#include "training_data.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <numeric>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/data/source.h"
#include "strata/nn/of_config.h"
#include "strata/run/settle.h"
#include "tokenizer.h"

namespace strata::run {
namespace {

data::RowOptions row_options(const config::DataConfig& config) {
  return {.kind = config.rows,
          .sequence_length = config.sequence_length,
          .mask_documents = config.packed_attention == config::PackedAttention::kDocument};
}

std::shared_ptr<const data::ShardCache> make_cache(const config::RunConfig& config) {
  auto tokenizer = std::make_shared<const data::Tokenizer>(open_tokenizer(config));
  return std::make_shared<const data::ShardCache>(
      config.data.cache, std::move(tokenizer),
      data::TokenizeOptions{.threads = at::get_num_threads(), .skip_bad = config.data.skip_bad});
}

}  // namespace

TrainingData::TrainingData(const config::RunConfig& config)
    : rows_(row_options(config.data)), shuffle_(config.data.shuffled_within()), cache_(make_cache(config)) {
  if (config.data.train.empty()) throw UsageError("data.train: names no files");
  train_ = data::find_sources(config.data.train, "data.train");
  if (!config.data.validation.empty()) validation_ = data::find_sources(config.data.validation, "data.validation");
}

std::unique_ptr<data::BatchSource> TrainingData::batches(const Settled& run, const data::BatchOptions& options,
                                                         const data::OrderCursor& start) const {
  const auto order = data::RowOrder::shards_of_epoch(shuffle_, static_cast<int64_t>(train_.size()), start);
  const auto disk_budget = static_cast<int64_t>(std::ceil(run.config.data.disk_budget_gb * 1e9));
  return std::make_unique<data::BatchLoader>(
      std::make_unique<data::ShardSet>(train_, cache_, order, disk_budget),
      data::LoaderOptions{.rows = rows_, .shuffle = shuffle_, .batches = options}, start);
}

void TrainingData::initialise(const Settled& run, nn::Parameters& parameters) const {
  parameters.initialise(static_cast<uint64_t>(run.config.run.seed));
}

std::optional<train::EvaluationPlan> TrainingData::evaluation(const Settled& run, train::Training&) const {
  if (validation_.empty()) return std::nullopt;
  const config::RunConfig& config = run.config;
  std::vector<int64_t> order(validation_.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  return train::EvaluationPlan{
      .set = std::make_unique<data::ValidationSet>(
          std::make_unique<data::ShardSet>(validation_, cache_, order), rows_, config.evaluate.tokens,
          std::min<int64_t>(config.train.micro_batch, 32), config.model.vocab, run.batch_shape),
      .every = config.evaluate.every};
}

double TrainingData::flops_per_token(const Settled& run) const {
  return nn::flops_per_token(run.config.model, nn::full_rows(run.config));
}

}  // namespace strata::run
