#include "strata/data/loader.h"

#include <xxhash.h>

#include <algorithm>

#include "data/data_report.h"
#include "data/row_source.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::data {
namespace {

// The nearest numbers on both sides of `micro_batch` that divide `global_batch`.
std::string divisors_near(int64_t micro_batch, int64_t global_batch) {
  int64_t below = 1;
  int64_t above = global_batch;
  for (int64_t number = 1; number <= global_batch; ++number) {
    if (global_batch % number != 0) continue;
    if (number < micro_batch) below = number;
    if (number > micro_batch) above = std::min(above, number);
  }
  return below == above ? str(below, " does") : str(below, " and ", above, " do");
}

void check_batches(const BatchOptions& options) {
  if (options.micro_batch < 1 || options.global_batch < 1 || options.global_batch % options.micro_batch != 0) {
    throw UsageError(str("train.micro_batch=", options.micro_batch, " does not divide train.global_batch=",
                         options.global_batch, "; ", divisors_near(options.micro_batch, options.global_batch)));
  }
}

void check_vocabulary(const Tokenizer* tokenizer, int64_t vocab_size) {
  if (tokenizer != nullptr && tokenizer->vocab_size() > vocab_size) {
    throw UsageError(str("model.vocab=", vocab_size, " is less than the ", tokenizer->vocab_size(),
                         " pieces of the tokenizer (data.tokenizer)"));
  }
}

// Each source has an order of its own; the first one's is that of a plain list.
uint64_t seed_of_source(uint64_t seed, size_t source) { return seed + source * 0x9E3779B97F4A7C15ULL; }

bool has_begun(const OrderCursor& cursor) { return cursor.epoch > 0 || cursor.row > 0; }

std::vector<MixedShards> only(std::unique_ptr<ShardSet> shards) {
  std::vector<MixedShards> sources;
  sources.push_back({.shards = std::move(shards)});
  return sources;
}

std::vector<double> weights_of(const std::vector<MixedShards>& sources) {
  std::vector<double> weights;
  for (const MixedShards& source : sources) weights.push_back(source.weight);
  return weights;
}

void append(Row row, TokenRows& rows) { std::ranges::move(row, std::back_inserter(rows)); }

}  // namespace

BatchLoader::BatchLoader(std::unique_ptr<ShardSet> shards, const LoaderOptions& options, const OrderCursor& start)
    : BatchLoader(only(std::move(shards)), false, options, start) {}

BatchLoader::BatchLoader(std::vector<MixedShards> mixture, const LoaderOptions& options, const OrderCursor& start)
    : BatchLoader(std::move(mixture), true, options, start) {}

BatchLoader::BatchLoader(std::vector<MixedShards> sources, bool is_mixture, const LoaderOptions& options,
                         const OrderCursor& start)
    : shuffle_(options.shuffle), batches_(options.batches), kind_(options.rows.kind) {
  if (is_mixture) mixture_.emplace(weights_of(sources));
  check_batches(batches_);
  STRATA_ASSERT(batches_.prefetch > 0);
  for (size_t i = 0; i < sources.size(); ++i) {
    check_vocabulary(sources[i].shards->tokenizer(), batches_.vocab_size);
    const std::string key = is_mixture ? str("data.train[", i, "]") : "data.train";
    sources_.push_back(std::make_unique<RowSource>(std::move(sources[i].shards), options.rows, shuffle_, key));
    names_.push_back(sources[i].name);
  }
  seek(start);
}

// The thread may be waiting for a shard that takes minutes to make.
BatchLoader::~BatchLoader() {
  for (const auto& source : sources_) source->shards().close();
}

bool BatchLoader::fits(const OrderCursor& cursor) const {
  return cursor.sources.size() == (mixture_ ? sources_.size() : 0);
}

OrderCursor BatchLoader::fitting(const OrderCursor& cursor) const {
  if (fits(cursor)) return cursor;
  if (has_begun(cursor)) {
    log::warn(str("data.train: the checkpoint was saved under ",
                  cursor.sources.empty() ? "a plain list" : str("a mixture of ", cursor.sources.size(), " sources"),
                  "; what is named now is read from its beginning"));
  }
  return {.seed = cursor.seed, .sources = std::vector<SourceCursor>(mixture_ ? sources_.size() : 0)};
}

std::vector<ReportedSource> BatchLoader::reported() const {
  std::vector<ReportedSource> reported;
  for (size_t i = 0; i < sources_.size(); ++i) {
    reported.push_back({.key = mixture_ ? sources_[i]->key() : "", .name = names_[i]});
    if (mixture_) reported[i].share = static_cast<double>(mixture_->shares()[i]) / static_cast<double>(Mixture::kWhole);
  }
  return reported;
}

std::vector<std::string> BatchLoader::description(int64_t batches) {
  std::vector<ReportedSource> reported = this->reported();
  if (shuffle_ != config::ShuffleScope::kGlobal) {
    int64_t shards = 0;
    for (const auto& source : sources_) shards += source->shards().size();
    return {str("data: ", with_commas(shards), shards == 1 ? " shard" : " shards", ", counted as they are read (data.",
                shuffle_ ? "shuffle_scope=shard)" : "shuffle=false)")};
  }
  rows_per_epoch_.clear();
  for (size_t i = 0; i < sources_.size(); ++i) {
    ReportedSource& source = reported[i];
    source.counts = sources_[i]->count_all();
    STRATA_CHECK(source.counts.has_targets, sources_[i]->key(),
                 ": no row has a token to predict: no document has two tokens");
    source.epochs = source.share * static_cast<double>(batches * batches_.global_batch) /
                    static_cast<double>(std::max<int64_t>(source.counts.rows, 1));
    rows_per_epoch_.push_back(source.counts.rows);
  }
  return describe(reported, kind_);
}

std::vector<std::string> BatchLoader::read_before(const OrderCursor& cursor) const {
  std::vector<std::string> lines;
  if (!fits(cursor)) return lines;  // of other data: nothing was read of these
  const std::vector<ReportedSource> reported = this->reported();
  for (size_t i = 0; i < sources_.size(); ++i) {
    const SourceCursor at = mixture_ ? cursor.sources.at(i) : SourceCursor{.epoch = cursor.epoch, .row = cursor.row};
    lines.push_back(describe_read(reported[i], at, rows_per_epoch_.empty() ? 0 : rows_per_epoch_[i]));
  }
  return lines;
}

void BatchLoader::seek(const OrderCursor& cursor) {
  prefetcher_.reset();
  cursor_ = fitting(cursor);
  prefetcher_ =
      std::make_unique<Prefetcher<GlobalBatch>>(static_cast<size_t>(batches_.prefetch), [this] { return prepare(); });
}

BatchLoader::FoundRow BatchLoader::next_row() {
  if (!mixture_) return {.source = sources_.front().get(), .ranges = sources_.front()->next(cursor_)};
  const size_t index = mixture_->next(cursor_.sources);
  SourceCursor& at = cursor_.sources[index];
  OrderCursor own{.seed = seed_of_source(cursor_.seed, index), .epoch = at.epoch, .row = at.row};
  RowRanges ranges = sources_[index]->next(own);
  at.epoch = own.epoch;
  at.row = own.row;
  cursor_.epoch = std::max(cursor_.epoch, own.epoch);
  ++cursor_.row;
  return {.source = sources_[index].get(), .ranges = std::move(ranges)};
}

GlobalBatch BatchLoader::prepare() {
  GlobalBatch batch;
  batch.begin = cursor_;
  std::vector<FoundRow> found;
  for (int64_t i = 0; i < batches_.global_batch; ++i) {
    found.push_back(next_row());
    batch.num_tokens += Rows::num_tokens(found.back().ranges);
    batch.num_targets += found.back().source->rows().num_targets(found.back().ranges);
  }
  batch.end = cursor_;
  for (const int64_t micro : batches_.micro_batches()) {
    TokenRows rows;
    for (int64_t i = micro * batches_.micro_batch; i < (micro + 1) * batches_.micro_batch; ++i) {
      const FoundRow& row = found.at(static_cast<size_t>(i));
      append(row.source->rows().read(row.ranges), rows);
    }
    batch.micro_batches.push_back(TokenBatch::from_rows(rows, nullptr, batches_.vocab_size, batches_.shape));
  }
  for (const auto& source : sources_) source->let_go();
  return batch;
}

ValidationSet::ValidationSet(std::unique_ptr<ShardSet> shards, const RowOptions& rows, int64_t tokens,
                             int64_t micro_batch, int64_t vocab_size, const BatchShape& shape)
    : shards_(std::move(shards)),
      rows_(rows, goes_across_shards(rows.kind, std::nullopt),
            {.size = shards_->size(),
             .counts = [this](int64_t shard) { return shards_->counts(shard); },
             .at = [this](int64_t shard) { return shards_->at(shard); }}),
      micro_batch_(micro_batch),
      vocab_size_(vocab_size),
      shape_(shape) {
  check_vocabulary(shards_->tokenizer(), vocab_size);
  RowOrder order(
      std::nullopt, shards_->size(), [this](int64_t shard) { return rows_.count(shard); }, "data.validation");
  int64_t targets = 0;
  for (OrderCursor cursor; num_tokens_ < tokens; ++cursor.row) {
    const RowPlace place = order.find(cursor);
    if (cursor.epoch > 0) break;
    chosen_.push_back(rows_.find(place));
    num_tokens_ += Rows::num_tokens(chosen_.back());
    targets += rows_.num_targets(chosen_.back());
  }
  STRATA_CHECK(targets > 0, "data.validation: no row has a token to predict: no document has two tokens");
}

uint64_t ValidationSet::fingerprint() const {
  uint64_t fingerprint = 0;
  for (const RowRanges& ranges : chosen_) {
    for (const std::vector<int64_t>& row : rows_.read(ranges)) {
      fingerprint = XXH3_64bits_withSeed(row.data(), row.size() * sizeof(int64_t), fingerprint);
    }
  }
  return fingerprint;
}

TokenBatch ValidationSet::batch(int64_t index) const {
  TokenRows rows;
  const int64_t end = std::min((index + 1) * micro_batch_, num_rows());
  for (int64_t i = index * micro_batch_; i < end; ++i) append(rows_.read(chosen_[static_cast<size_t>(i)]), rows);
  return TokenBatch::from_rows(rows, nullptr, vocab_size_, shape_);
}

}  // namespace strata::data
