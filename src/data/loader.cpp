#include "strata/data/loader.h"

#include <xxhash.h>

#include <algorithm>
#include <map>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"

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

void check_vocabulary(const Tokenizer& tokenizer, int64_t vocab_size) {
  if (tokenizer.vocab_size() > vocab_size) {
    throw UsageError(str("model.vocab=", vocab_size, " is less than the ", tokenizer.vocab_size(),
                         " pieces of the tokenizer (data.tokenizer)"));
  }
}

// What became of all data of a run.
struct DataCounts {
  int64_t shards = 0;
  int64_t documents = 0;
  int64_t skipped = 0;  // documents that could not be read
  int64_t tokens = 0;
  int64_t rows = 0;
  int64_t used = 0;  // tokens of all rows
  double epochs = 0.0;
};

std::string counted(int64_t number, const std::string& what) {
  return with_commas(number) + " " + what + (number == 1 ? "" : "s");
}

std::vector<std::string> describe(const DataCounts& counts, config::RowKind kind) {
  const double cut =
      100.0 * (1.0 - static_cast<double>(counts.used) / static_cast<double>(std::max<int64_t>(counts.tokens, 1)));
  std::vector<std::string> lines{
      str("data: ", counted(counts.documents, "document"),
          counts.skipped > 0 ? str(" (", with_commas(counts.skipped), " more skipped)") : "", ", ",
          counted(counts.tokens, "token"), ", ", counted(counts.shards, "shard")),
      str("rows: ", with_commas(counts.rows), " ", config::enum_name(kind), ", ", fixed(cut, 1),
          " % of the tokens cut off; ", significant(counts.epochs, 3), " epochs")};
  if (cut > 50.0) {
    log::warn(str(fixed(cut, 1),
                  " % of the tokens are never read: data.rows=document keeps the first "
                  "data.sequence_length tokens of each document; packed reads all of them"));
  }
  return lines;
}

void append(Row row, TokenRows& rows) { std::ranges::move(row, std::back_inserter(rows)); }

}  // namespace

BatchLoader::BatchLoader(std::unique_ptr<ShardSet> shards, const LoaderOptions& options, const OrderCursor& start)
    : shards_(std::move(shards)),
      shuffle_(options.shuffle),
      batches_(options.batches),
      rows_(options.rows),
      order_(shuffle_, shards_->size(), [this](int64_t shard) { return rows_.count(shards_->counts(shard)); }),
      expected_(start) {
  check_batches(batches_);
  check_vocabulary(shards_->tokenizer(), batches_.vocab_size);
  STRATA_ASSERT(batches_.prefetch > 0);
  if (shuffle_ == config::ShuffleScope::kGlobal) shards_->need_all();
  seek(start);
}

// The thread may be waiting for a shard that takes minutes to make.
BatchLoader::~BatchLoader() { shards_->close(); }

std::vector<std::string> BatchLoader::description(int64_t batches) {
  if (shuffle_ != config::ShuffleScope::kGlobal) return {};
  DataCounts counts{.shards = shards_->size()};
  bool has_targets = false;
  for (int64_t index = 0; index < shards_->size(); ++index) {
    const auto shard = shards_->at(index);
    counts.documents += shard->num_documents();
    counts.tokens += shard->num_tokens();
    counts.skipped += shards_->skipped(index);
    counts.rows += rows_.count(shard->counts());
    counts.used += rows_.num_tokens(*shard);
    has_targets = has_targets || rows_.has_targets(*shard);
  }
  STRATA_CHECK(has_targets, "data.train: no row has a token to predict: no document has two tokens");
  counts.epochs =
      static_cast<double>(batches * batches_.global_batch) / static_cast<double>(std::max<int64_t>(counts.rows, 1));
  return describe(counts, rows_.kind());
}

void BatchLoader::seek(const OrderCursor& cursor) {
  prefetcher_.reset();
  cursor_ = cursor;
  prefetcher_ =
      std::make_unique<Prefetcher<GlobalBatch>>(static_cast<size_t>(batches_.prefetch), [this] { return prepare(); });
}

// Where the next row lies. The shards follow the cursor into another epoch.
RowPlace BatchLoader::next_place() {
  const RowPlace place = order_.find(cursor_);
  if (cursor_.epoch != expected_.epoch || cursor_.seed != expected_.seed) {
    expected_ = cursor_;
    shards_->expect(RowOrder::shards_of_epoch(shuffle_, shards_->size(), cursor_));
  }
  ++cursor_.row;
  return place;
}

GlobalBatch BatchLoader::prepare() {
  std::map<int64_t, std::shared_ptr<const TokenShard>> held;  // so that none is made twice for a batch
  const auto shard_at = [&](int64_t index) -> const TokenShard& {
    auto& shard = held[index];
    if (!shard) shard = shards_->at(index);
    return *shard;
  };
  GlobalBatch batch;
  batch.begin = cursor_;
  std::vector<RowPlace> places;
  for (int64_t i = 0; i < batches_.global_batch; ++i) {
    places.push_back(next_place());
    const TokenShard& shard = shard_at(places.back().shard);
    batch.num_tokens += rows_.num_tokens(shard, places.back().row);
    batch.num_targets += rows_.num_targets(shard, places.back().row);
  }
  batch.end = cursor_;
  for (const int64_t micro : batches_.micro_batches()) {
    TokenRows rows;
    for (int64_t i = micro * batches_.micro_batch; i < (micro + 1) * batches_.micro_batch; ++i) {
      const RowPlace& place = places.at(static_cast<size_t>(i));
      append(rows_.read(shard_at(place.shard), place.row), rows);
    }
    batch.micro_batches.push_back(TokenBatch::from_rows(rows, nullptr, batches_.vocab_size, batches_.shape));
  }
  return batch;
}

ValidationSet::ValidationSet(std::unique_ptr<ShardSet> shards, const RowOptions& rows, int64_t tokens,
                             int64_t micro_batch, int64_t vocab_size, const BatchShape& shape)
    : shards_(std::move(shards)), rows_(rows), micro_batch_(micro_batch), vocab_size_(vocab_size), shape_(shape) {
  check_vocabulary(shards_->tokenizer(), vocab_size);
  RowOrder order(
      std::nullopt, shards_->size(), [this](int64_t shard) { return rows_.count(shards_->counts(shard)); },
      "data.validation");
  int64_t targets = 0;
  for (OrderCursor cursor; num_tokens_ < tokens; ++cursor.row) {
    const RowPlace place = order.find(cursor);
    if (cursor.epoch > 0) break;
    const auto shard = shards_->at(place.shard);
    num_tokens_ += rows_.num_tokens(*shard, place.row);
    targets += rows_.num_targets(*shard, place.row);
    places_.push_back(place);
  }
  STRATA_CHECK(targets > 0, "data.validation: no row has a token to predict: no document has two tokens");
}

uint64_t ValidationSet::fingerprint() const {
  uint64_t fingerprint = 0;
  for (const RowPlace& place : places_) {
    for (const std::vector<int64_t>& row : rows_.read(*shards_->at(place.shard), place.row)) {
      fingerprint = XXH3_64bits_withSeed(row.data(), row.size() * sizeof(int64_t), fingerprint);
    }
  }
  return fingerprint;
}

TokenBatch ValidationSet::batch(int64_t index) const {
  TokenRows rows;
  const int64_t end = std::min((index + 1) * micro_batch_, num_rows());
  for (int64_t i = index * micro_batch_; i < end; ++i) {
    const RowPlace& place = places_[static_cast<size_t>(i)];
    append(rows_.read(*shards_->at(place.shard), place.row), rows);
  }
  return TokenBatch::from_rows(rows, nullptr, vocab_size_, shape_);
}

}  // namespace strata::data
