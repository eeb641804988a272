#include "training_data.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <map>
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
  const bool are_long = std::ranges::all_of(
      sources, [](const data::Source& source) { return source.is_text() || source.holds_tokens(); });
  return are_long ? config::RowKind::kPacked : config::RowKind::kDocument;
}

data::RowOptions row_options(const config::DataConfig& config, const std::vector<data::Source>& sources,
                             const data::Tokenizer* tokenizer) {
  return {.kind = kind_of_rows(config, sources),
          .sequence_length = config.sequence_length,
          .mask_documents = config.packed_attention == config::PackedAttention::kDocument,
          .end = tokenizer == nullptr ? std::nullopt : tokenizer->end()};
}

// "a.jsonl, b.jsonl and 3 more"
std::string name_of(const std::vector<std::string>& files) {
  constexpr size_t kNamed = 2;
  const std::vector<std::string> named(files.begin(), files.begin() + std::min(kNamed, files.size()));
  return join(named, ", ") + (files.size() > kNamed ? str(" and ", files.size() - kNamed, " more") : "");
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

// A file in two sources is read as often as both weights say.
void tell_of_common(const std::vector<std::vector<data::Source>>& parts) {
  std::map<std::filesystem::path, size_t> known;
  for (size_t i = 0; i < parts.size(); ++i) {
    for (const std::filesystem::path& file : files_of(parts[i])) {
      const auto [first, is_new] = known.emplace(file, i);
      if (is_new) continue;
      return log::warn(str("data.train: ", file.string(), " is in data.train[", first->second, "] and in data.train[",
                           i, "]: it is read for both"));
    }
  }
}

// Of the sources of URLs each has its share; where all have to stay there is nothing to share out.
void check_budget(const config::DataConfig& config) {
  if (config.train.mixture.empty() || config.disk_budget_gb == 0.0) return;
  if (config.shuffled_within() != config::ShuffleScope::kGlobal) return;
  throw UsageError(
      str("data.disk_budget_gb=", config.disk_budget_gb,
          ": data.shuffle_scope=global keeps every shard of a mixture; shard streams them, 0 sets no limit"));
}

// What holds ids already needs no tokenizer.
std::shared_ptr<const data::Tokenizer> tokenizer_for(const config::RunConfig& config,
                                                     const std::vector<data::Source>& sources) {
  if (config.data.tokenizer.empty() && std::ranges::all_of(sources, &data::Source::holds_tokens)) return nullptr;
  return std::make_shared<const data::Tokenizer>(open_tokenizer(config));
}

std::shared_ptr<const data::ShardCache> make_cache(const config::RunConfig& config, std::vector<data::Source> train,
                                                   const std::vector<data::Source>& validation) {
  train.insert(train.end(), validation.begin(), validation.end());
  return std::make_shared<const data::ShardCache>(
      config.data.cache, tokenizer_for(config, train),
      data::TokenizeOptions{.threads = num_threads(), .reading = data::read_options(config.data)}, config.model.vocab);
}

}  // namespace

TrainingData::TrainingData(const config::RunConfig& config)
    : reading_(data::read_options(config.data)), shuffle_(config.data.shuffled_within()) {
  if (config.data.train.empty()) throw UsageError("data.train: names no files");
  check_budget(config.data);
  if (config.data.train.mixture.empty()) {
    train_.push_back({.name = "", .sources = data::find_sources(config.data.train.files, "data.train")});
  } else {
    std::vector<double> weights;
    std::vector<std::vector<data::Source>> parts;
    for (const config::WeightedFiles& source : config.data.train.mixture) {
      parts.push_back(data::find_sources(source.files, str("data.train[", train_.size(), "].files")));
      train_.push_back({.name = name_of(source.files), .weight = source.weight, .sources = parts.back()});
      weights.push_back(source.weight);
    }
    mixture_.emplace(weights);
    tell_of_common(parts);
  }
  if (!config.data.validation.empty()) validation_ = data::find_sources(config.data.validation, "data.validation");
  cache_ = make_cache(config, all_sources(), validation_);
  rows_ = row_options(config.data, all_sources(), tokenizer());
  tell_of_shared(all_sources(), validation_);
}

std::vector<data::Source> TrainingData::all_sources() const {
  std::vector<data::Source> all;
  for (const Part& part : train_) all.insert(all.end(), part.sources.begin(), part.sources.end());
  return all;
}

uint64_t TrainingData::fingerprint() const { return with_reading(fingerprint_of(data::fingerprint_of)); }

uint64_t TrainingData::with_reading(uint64_t files) const {
  if (reading_ == data::ReadOptions{.skip_bad = reading_.skip_bad}) return files;  // data.skip_bad is compared as a key
  const std::string key = str(files, '\0', reading_.field, '\0', reading_.longest_document);
  return XXH3_64bits(key.data(), key.size());
}

// Of a mixture: its shares too, whatever weights they were given by.
uint64_t TrainingData::fingerprint_of(
    const std::function<uint64_t(const std::vector<data::Source>&)>& fingerprint) const {
  const bool goes_across = data::goes_across_shards(rows_.kind, shuffle_);
  const bool has_several = std::ranges::any_of(train_, [](const Part& part) { return part.sources.size() > 1; });
  // Rows that go across shards are others than those that end with them.
  std::string key = goes_across && has_several ? "across shards" : "";
  if (!mixture_ && key.empty()) return fingerprint(train_.front().sources);
  for (const Part& part : train_) key += str('\0', fingerprint(part.sources));
  if (mixture_) {
    for (const int64_t share : mixture_->shares()) key += str('\0', share);
  }
  return XXH3_64bits(key.data(), key.size());
}

uint64_t TrainingData::content_fingerprint() const {
  const bool are_files =
      std::ranges::all_of(all_sources(), [](const data::Source& source) { return source.url.empty(); });
  const bool needs_all = shuffle_ == config::ShuffleScope::kGlobal;
  if (!are_files || !needs_all) return fingerprint();
  return fingerprint_of(
      [this](const std::vector<data::Source>& sources) { return data::fingerprint_of_tokens(*cache_, sources); });
}

uint64_t TrainingData::evaluation_fingerprint(const config::RunConfig& config) const {
  return validation_.empty() ? 0 : validation_set(config, {})->fingerprint();
}

std::unique_ptr<data::ShardSet> TrainingData::shards_of(const std::vector<data::Source>& sources,
                                                        int64_t disk_budget) const {
  std::vector<int64_t> as_listed(sources.size());
  std::iota(as_listed.begin(), as_listed.end(), int64_t{0});
  return std::make_unique<data::ShardSet>(sources, cache_, as_listed, disk_budget);
}

std::unique_ptr<data::BatchSource> TrainingData::batches(const Settled& run, const data::BatchOptions& options,
                                                         const data::OrderCursor& start) const {
  const double disk_budget = run.config.data.disk_budget_gb * 1e9;
  const data::LoaderOptions loading{.rows = rows_, .shuffle = shuffle_, .batches = options};
  if (!mixture_) {
    auto shards = shards_of(train_.front().sources, static_cast<int64_t>(std::ceil(disk_budget)));
    return std::make_unique<data::BatchLoader>(std::move(shards), loading, start);
  }
  std::vector<data::MixedShards> mixture;
  for (size_t i = 0; i < train_.size(); ++i) {
    const Part& part = train_[i];
    const double share = static_cast<double>(mixture_->shares()[i]) / static_cast<double>(data::Mixture::kWhole);
    auto shards = shards_of(part.sources, static_cast<int64_t>(std::ceil(disk_budget * share)));
    mixture.push_back({.shards = std::move(shards), .weight = part.weight, .name = part.name});
  }
  return std::make_unique<data::BatchLoader>(std::move(mixture), loading, start);
}

void TrainingData::initialise(const Settled& run, nn::Parameters& parameters) const {
  parameters.initialise(static_cast<uint64_t>(run.config.run.seed));
}

std::unique_ptr<data::ValidationSet> TrainingData::validation_set(const config::RunConfig& config,
                                                                  const data::BatchShape& shape) const {
  return std::make_unique<data::ValidationSet>(shards_of(validation_, 0), rows_, config.evaluate.tokens,
                                               std::min<int64_t>(config.train.micro_batch, 32), config.model.vocab,
                                               shape);
}

std::optional<train::EvaluationPlan> TrainingData::evaluation(const Settled& run, train::Training&) const {
  if (validation_.empty()) return std::nullopt;
  return train::EvaluationPlan{.set = validation_set(run.config, run.batch_shape), .every = run.config.evaluate.every};
}

double TrainingData::flops_per_token(const Settled& run) const {
  return nn::flops_per_token(run.config.model, nn::full_rows(run.config));
}

}  // namespace strata::run
