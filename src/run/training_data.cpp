#include "training_data.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/data/source.h"
#include "strata/nn/of_config.h"
#include "strata/run/settle.h"
#include "strata/run/tokenizer.h"

namespace strata::run {
namespace {

config::RowKind kind_of_rows(const config::DataConfig& config, const std::vector<data::Source>& sources) {
  if (config.rows != config::RowKind::kAuto) return config.rows;
  const bool are_texts = std::ranges::all_of(sources, &data::Source::is_text);
  return are_texts ? config::RowKind::kPacked : config::RowKind::kDocument;
}

data::RowOptions row_options(const config::DataConfig& config, const std::vector<data::Source>& sources) {
  return {.kind = kind_of_rows(config, sources),
          .sequence_length = config.sequence_length,
          .mask_documents = config.packed_attention == config::PackedAttention::kDocument};
}

std::set<std::filesystem::path> files_of(const std::vector<data::Source>& sources) {
  std::set<std::filesystem::path> files;
  for (const data::Source& source : sources) {
    for (const std::filesystem::path& file : source.files) files.insert(std::filesystem::weakly_canonical(file));
  }
  return files;
}

// A loss on what was trained on is no validation loss.
void tell_of_shared(const std::vector<data::Source>& train, const std::vector<data::Source>& validation) {
  const auto known = files_of(train);
  for (const std::filesystem::path& file : files_of(validation)) {
    if (known.contains(file)) return log::warn(str("data.validation: ", file.string(), " is in data.train too"));
  }
}

std::shared_ptr<const data::ShardCache> make_cache(const config::RunConfig& config) {
  auto tokenizer = std::make_shared<const data::Tokenizer>(open_tokenizer(config));
  return std::make_shared<const data::ShardCache>(
      config.data.cache, std::move(tokenizer),
      data::TokenizeOptions{.threads = num_threads(), .reading = data::read_options(config.data)});
}

}  // namespace

TrainingData::TrainingData(const config::RunConfig& config)
    : reading_(data::read_options(config.data)), shuffle_(config.data.shuffled_within()), cache_(make_cache(config)) {
  if (config.data.train.empty()) throw UsageError("data.train: names no files");
  train_ = data::find_sources(config.data.train, "data.train");
  rows_ = row_options(config.data, train_);
  if (config.data.validation.empty()) return;
  validation_ = data::find_sources(config.data.validation, "data.validation");
  tell_of_shared(train_, validation_);
}

uint64_t TrainingData::fingerprint() const {
  const uint64_t files = data::fingerprint_of(train_);
  if (reading_ == data::ReadOptions{.skip_bad = reading_.skip_bad}) return files;  // data.skip_bad is compared as a key
  const std::string key = str(files, '\0', reading_.field, '\0', reading_.longest_document);
  return XXH3_64bits(key.data(), key.size());
}

uint64_t TrainingData::content_fingerprint() const {
  const bool are_files = std::ranges::all_of(train_, [](const data::Source& source) { return source.url.empty(); });
  const bool needs_all = shuffle_ == config::ShuffleScope::kGlobal;
  return are_files && needs_all ? data::fingerprint_of_tokens(*cache_, train_) : fingerprint();
}

uint64_t TrainingData::evaluation_fingerprint(const config::RunConfig& config) const {
  return validation_.empty() ? 0 : validation_set(config, {})->fingerprint();
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

std::unique_ptr<data::ValidationSet> TrainingData::validation_set(const config::RunConfig& config,
                                                                  const data::BatchShape& shape) const {
  std::vector<int64_t> order(validation_.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  return std::make_unique<data::ValidationSet>(std::make_unique<data::ShardSet>(validation_, cache_, order), rows_,
                                               config.evaluate.tokens, std::min<int64_t>(config.train.micro_batch, 32),
                                               config.model.vocab, shape);
}

std::optional<train::EvaluationPlan> TrainingData::evaluation(const Settled& run, train::Training&) const {
  if (validation_.empty()) return std::nullopt;
  return train::EvaluationPlan{.set = validation_set(run.config, run.batch_shape), .every = run.config.evaluate.every};
}

double TrainingData::flops_per_token(const Settled& run) const {
  return nn::flops_per_token(run.config.model, nn::full_rows(run.config));
}

}  // namespace strata::run
