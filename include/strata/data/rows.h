#pragma once

#include <cstdint>
#include <vector>

#include "strata/config/data.h"
#include "strata/data/token_shard.h"

namespace strata::data {

struct RowOptions {
  config::RowKind kind = config::RowKind::kDocument;
  int64_t sequence_length = 256;
  /// Packed rows: attention and targets stay inside each document; otherwise they run through the whole row.
  bool mask_documents = true;
};

/// The pieces of a row that do not see each other: one for a document row.
using Row = std::vector<std::vector<int64_t>>;

/// How the documents of a shard become rows. Every row is reached directly.
///
/// Packed rows follow the order of the shard's documents, the same in every epoch (the rows are shuffled, see
/// order.h); what is left at the end of a shard is a shorter row, unless it is a single token.
class Rows {
 public:
  /// kind: not auto. Throws UsageError for a sequence length below 2.
  explicit Rows(const RowOptions& options);

  config::RowKind kind() const { return options_.kind; }
  int64_t count(const ShardCounts& shard) const;
  Row read(const TokenShard& shard, int64_t row) const;

  /// Of `read(shard, row)`, without reading it.
  int64_t num_tokens(const TokenShard& shard, int64_t row) const;

  /// Tokens that are predicted: all but the first of each piece.
  int64_t num_targets(const TokenShard& shard, int64_t row) const;

  /// Tokens of all rows of the shard: the others are cut off.
  int64_t num_tokens(const TokenShard& shard) const;
  bool has_targets(const TokenShard& shard) const;

 private:
  RowOptions options_;
};

}  // namespace strata::data
