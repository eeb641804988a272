#include "strata/data/rows.h"

#include <algorithm>
#include <numeric>

#include "strata/base/check.h"
#include "strata/base/integers.h"

namespace strata::data {
namespace {

using config::RowKind;

// Documents between two whose first row is remembered: of 10^6 documents, 128 kB.
constexpr int64_t kStride = 64;

// Rows of up to `length` tokens that `tokens` end to end make. One with a single token has nothing to predict.
int64_t rows_of(int64_t tokens, int64_t length) { return tokens / length + (tokens % length > 1 ? 1 : 0); }

bool leaves_one(int64_t tokens, int64_t length) { return tokens % length == 1; }

int64_t length_of(const TokenShard& shard, int64_t document) {
  return shard.begin(document + 1) - shard.begin(document);
}

}  // namespace

SplitRows::SplitRows(const TokenShard& shard, int64_t length) : length_(length) {
  for (int64_t document = 0; document < shard.num_documents(); ++document) {
    if (document % kStride == 0) firsts_.push_back(count_);
    const int64_t tokens = length_of(shard, document);
    count_ += rows_of(tokens, length);
    left_out_ += leaves_one(tokens, length) ? 1 : 0;
  }
}

TokenRange SplitRows::find(const TokenShard& shard, int64_t row) const {
  STRATA_ASSERT(0 <= row && row < count_);
  const int64_t block = std::ranges::upper_bound(firsts_, row) - firsts_.begin() - 1;
  int64_t document = block * kStride;
  int64_t piece = row - firsts_[static_cast<size_t>(block)];
  for (int64_t rows = 0; (rows = rows_of(length_of(shard, document), length_)) <= piece; ++document) piece -= rows;
  const int64_t begin = shard.begin(document) + piece * length_;
  return {.begin = begin, .end = std::min(begin + length_, shard.begin(document + 1))};
}

Rows::Rows(const RowOptions& options, bool across_shards, ShardAccess shards)
    : options_(options), across_shards_(across_shards), shards_(std::move(shards)) {
  STRATA_ASSERT(options.kind != RowKind::kAuto);
  if (options.sequence_length < 2) {
    throw UsageError(
        str("data.sequence_length=", options.sequence_length, " is too short: a row predicts its second token first"));
  }
}

int64_t Rows::count(int64_t shard) {
  if (options_.kind == RowKind::kDocument) return shards_.counts(shard).documents;
  return options_.kind == RowKind::kSplit ? split(shard).count() : count_packed(shard);
}

RowRanges Rows::find(const RowPlace& place) {
  STRATA_ASSERT(0 <= place.row && place.row < count(place.shard));
  if (options_.kind == RowKind::kPacked) return find_packed(place);
  const auto shard = shards_.at(place.shard);
  TokenRange range;
  if (options_.kind == RowKind::kSplit) {
    range = split(place.shard).find(*shard, place.row);
  } else {
    range.begin = shard->begin(place.row);
    range.end = std::min(range.begin + options_.sequence_length, shard->begin(place.row + 1));
  }
  range.shard = place.shard;
  return {range};
}

Row Rows::read(const RowRanges& row) const {
  Row pieces;
  for (const TokenRange& range : row) {
    const auto shard = shards_.at(range.shard);
    if (options_.kind != RowKind::kPacked || !options_.mask_documents) {
      const std::vector<int64_t> ids = shard->ids(range.begin, range.end);
      if (pieces.empty()) pieces.emplace_back();
      pieces.front().insert(pieces.front().end(), ids.begin(), ids.end());
      continue;
    }
    int64_t document = shard->document_at(range.begin);
    for (int64_t at = range.begin; at < range.end; ++document) {
      const int64_t end = std::min(range.end, shard->begin(document + 1));
      pieces.push_back(shard->ids(at, end));
      at = end;
    }
  }
  if (options_.kind == RowKind::kDocument && options_.end && shards_.at(row.front().shard)->has_ends()) {
    pieces.front().back() = *options_.end;
  }
  return pieces;
}

int64_t Rows::num_tokens(const RowRanges& row) {
  return std::accumulate(row.begin(), row.end(), int64_t{0},
                         [](int64_t before, const TokenRange& range) { return before + range.end - range.begin; });
}

int64_t Rows::num_targets(const RowRanges& row) const {
  const int64_t tokens = num_tokens(row);
  if (options_.kind != RowKind::kPacked || !options_.mask_documents) return tokens - 1;
  int64_t pieces = 0;
  for (const TokenRange& range : row) {
    const auto shard = shards_.at(range.shard);
    pieces += shard->document_at(range.end - 1) - shard->document_at(range.begin) + 1;
  }
  return tokens - pieces;
}

int64_t Rows::left_out(int64_t shard) {
  const int64_t length = options_.sequence_length;
  if (options_.kind == RowKind::kSplit) return split(shard).left_out();
  if (options_.kind == RowKind::kPacked) {
    return (across_shards_ ? ends_alone(shard) : leaves_one(shards_.counts(shard).tokens, length)) ? 1 : 0;
  }
  const auto documents = shards_.at(shard);
  int64_t cut = 0;
  for (int64_t document = 0; document < documents->num_documents(); ++document) {
    cut += std::max<int64_t>(length_of(*documents, document) - length, 0);
  }
  return cut;
}

bool Rows::has_targets(int64_t shard) {
  for (int64_t row = 0; row < count(shard); ++row) {
    if (num_targets(find({.shard = shard, .row = row})) > 0) return true;
  }
  return false;
}

RowRanges Rows::find_packed(const RowPlace& place) {
  const int64_t length = options_.sequence_length;
  const int64_t before = across_shards_ ? begin_of(place.shard) : 0;
  int64_t begin = (quotient_up(before, length) + place.row) * length - before;
  RowRanges row;
  int64_t missing = length;
  for (int64_t shard = place.shard; missing > 0 && shard < shards_.size; ++shard, begin = 0) {
    const int64_t end = std::min(begin + missing, shards_.counts(shard).tokens);
    if (end > begin) row.push_back({.shard = shard, .begin = begin, .end = end});
    missing -= end - begin;
    if (!across_shards_) break;
  }
  return row;
}

int64_t Rows::count_packed(int64_t shard) {
  const int64_t length = options_.sequence_length;
  if (!across_shards_) return rows_of(shards_.counts(shard).tokens, length);
  const int64_t begun = quotient_up(begin_of(shard + 1), length) - quotient_up(begin_of(shard), length);
  return begun - (ends_alone(shard) ? 1 : 0);
}

const SplitRows& Rows::split(int64_t shard) {
  const auto known = splits_.find(shard);
  if (known != splits_.end()) return known->second;
  return splits_.emplace(shard, SplitRows(*shards_.at(shard), options_.sequence_length)).first->second;
}

// The tokens of all shards before it.
int64_t Rows::begin_of(int64_t shard) {
  while (std::ssize(begins_) <= shard) {
    begins_.push_back(begins_.back() + shards_.counts(std::ssize(begins_) - 1).tokens);
  }
  return begins_[static_cast<size_t>(shard)];
}

// Whether the last token of the shard is the last of all, and would be a row of its own.
bool Rows::ends_alone(int64_t shard) {
  const int64_t end = begin_of(shard + 1);
  if (end == begin_of(shard) || !leaves_one(end, options_.sequence_length)) return false;
  for (int64_t behind = shard + 1; behind < shards_.size; ++behind) {
    if (begin_of(behind + 1) > end) return false;
  }
  return true;
}

}  // namespace strata::data
