#include "strata/data/rows.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/data/tokenizer.h"

namespace strata::data {

using config::RowKind;

Rows::Rows(const RowOptions& options) : options_(options) {
  if (options.sequence_length < 2) {
    throw UsageError(
        str("data.sequence_length=", options.sequence_length, " is too short: a row predicts its second token first"));
  }
}

int64_t Rows::count(const ShardCounts& shard) const {
  return options_.kind == RowKind::kDocument ? shard.documents : shard.tokens / options_.sequence_length;
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
  const int64_t end = begin + options_.sequence_length;
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
  if (options_.kind == RowKind::kPacked) return options_.sequence_length;
  return std::min(options_.sequence_length, shard.begin(row + 1) - shard.begin(row));
}

int64_t Rows::num_targets(const TokenShard& shard, int64_t row) const {
  if (options_.kind == RowKind::kDocument || !options_.mask_documents) return num_tokens(shard, row) - 1;
  const int64_t begin = row * options_.sequence_length;
  const int64_t last = begin + options_.sequence_length - 1;
  const int64_t pieces = shard.document_at(last) - shard.document_at(begin) + 1;
  return options_.sequence_length - pieces;
}

}  // namespace strata::data
