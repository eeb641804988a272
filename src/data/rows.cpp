#include "strata/data/rows.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/data/tokenizer.h"

namespace strata::data {

using config::RowKind;

Rows::Rows(const RowOptions& options) : options_(options) {
  STRATA_ASSERT(options.kind != RowKind::kAuto);
  if (options.sequence_length < 2) {
    throw UsageError(
        str("data.sequence_length=", options.sequence_length, " is too short: a row predicts its second token first"));
  }
}

int64_t Rows::count(const ShardCounts& shard) const {
  if (options_.kind == RowKind::kDocument) return shard.documents;
  const int64_t rest = shard.tokens % options_.sequence_length;
  return shard.tokens / options_.sequence_length + (rest > 1 ? 1 : 0);
}

Row Rows::read(const TokenShard& shard, int64_t row) const {
  STRATA_ASSERT(0 <= row && row < count(shard.counts()));
  if (options_.kind == RowKind::kDocument) {
    const int64_t begin = shard.begin(row);
    std::vector<int64_t> ids = shard.ids(begin, begin + num_tokens(shard, row));
    ids.back() = Tokenizer::kEos;
    return {std::move(ids)};
  }
  const int64_t begin = row * options_.sequence_length;
  const int64_t end = begin + num_tokens(shard, row);
  if (!options_.mask_documents) return {shard.ids(begin, end)};
  Row pieces;
  int64_t document = shard.document_at(begin);
  for (int64_t at = begin; at < end; ++document) {
    const int64_t piece_end = std::min(end, shard.begin(document + 1));
    pieces.push_back(shard.ids(at, piece_end));
    at = piece_end;
  }
  return pieces;
}

int64_t Rows::num_tokens(const TokenShard& shard, int64_t row) const {
  const bool is_document = options_.kind == RowKind::kDocument;
  const int64_t begin = is_document ? shard.begin(row) : row * options_.sequence_length;
  const int64_t end = is_document ? shard.begin(row + 1) : shard.num_tokens();
  return std::min(options_.sequence_length, end - begin);
}

int64_t Rows::num_targets(const TokenShard& shard, int64_t row) const {
  if (options_.kind == RowKind::kDocument || !options_.mask_documents) return num_tokens(shard, row) - 1;
  const int64_t begin = row * options_.sequence_length;
  const int64_t tokens = num_tokens(shard, row);
  const int64_t pieces = shard.document_at(begin + tokens - 1) - shard.document_at(begin) + 1;
  return tokens - pieces;
}

int64_t Rows::num_tokens(const TokenShard& shard) const {
  int64_t tokens = 0;
  for (int64_t row = 0; row < count(shard.counts()); ++row) tokens += num_tokens(shard, row);
  return tokens;
}

bool Rows::has_targets(const TokenShard& shard) const {
  for (int64_t row = 0; row < count(shard.counts()); ++row) {
    if (num_targets(shard, row) > 0) return true;
  }
  return false;
}

}  // namespace strata::data
