#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "strata/config/data.h"
#include "strata/data/order.h"
#include "strata/data/token_shard.h"
#include "strata/data/tokenizer.h"

namespace strata::data {

struct RowOptions {
  config::RowKind kind = config::RowKind::kDocument;
  int64_t sequence_length = 256;
  /// Packed rows: attention and targets stay inside each document; otherwise they run through the whole row.
  bool mask_documents = true;
  /// What ends a document row that is cut, as it ends whole documents; nothing where these have no such token.
  std::optional<int32_t> end = Tokenizer::kEos;
};

/// Whether a row may begin in one shard and end in another. Where the rows of a shard are shuffled among themselves,
/// they have to be known when no other shard is there.
constexpr bool goes_across_shards(config::RowKind kind, Shuffle shuffle) {
  return kind == config::RowKind::kPacked && shuffle != config::ShuffleScope::kShard;
}

/// The shards of a data set, as its rows need them. Both functions may wait.
struct ShardAccess {
  int64_t size = 0;
  std::function<ShardCounts(int64_t shard)> counts;
  std::function<std::shared_ptr<const TokenShard>(int64_t shard)> at;
};

/// Tokens [begin, end) of a shard.
struct TokenRange {
  int64_t shard = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

/// Where the tokens of a row lie: in one shard, or in several that follow each other.
using RowRanges = std::vector<TokenRange>;

/// The pieces of a row that do not see each other: one for a document row.
using Row = std::vector<std::vector<int64_t>>;

/// Which rows the documents of a data set are split into: data.rows=split. Of one shard.
class SplitRows {
 public:
  SplitRows(const TokenShard& shard, int64_t length);

  int64_t count() const { return count_; }
  /// Last tokens of documents that would be rows of their own, with nothing to predict.
  int64_t left_out() const { return left_out_; }
  /// Where row `row` lies in it.
  TokenRange find(const TokenShard& shard, int64_t row) const;

 private:
  int64_t length_;
  int64_t count_ = 0;
  int64_t left_out_ = 0;
  std::vector<int64_t> firsts_;  // of every so many documents: the first row
};

/// How the documents of a data set become rows. Every row is reached directly, and belongs to the shard that it begins
/// in.
///
/// Packed rows follow the order of the documents, the same in every epoch (the rows are shuffled, see order.h). They go
/// across shards in the order in which these are listed, or stay inside each; what is left at the end is a shorter row.
/// A single token that is left has nothing to predict: it is in no row.
class Rows {
 public:
  /// kind: not auto. Throws UsageError for a sequence length below 2.
  Rows(const RowOptions& options, bool across_shards, ShardAccess shards);

  /// Rows that begin in the shard.
  int64_t count(int64_t shard);
  RowRanges find(const RowPlace& place);

  /// The tokens of a row that was found.
  Row read(const RowRanges& row) const;
  static int64_t num_tokens(const RowRanges& row);
  /// Tokens that are predicted: all but the first of each piece.
  int64_t num_targets(const RowRanges& row) const;

  /// Tokens of the shard that are in no row.
  int64_t left_out(int64_t shard);
  /// Whether a row that begins in the shard has a target.
  bool has_targets(int64_t shard);

 private:
  RowRanges find_packed(const RowPlace& place);
  int64_t count_packed(int64_t shard);
  const SplitRows& split(int64_t shard);
  int64_t begin_of(int64_t shard);
  bool ends_alone(int64_t shard);

  RowOptions options_;
  bool across_shards_;
  ShardAccess shards_;
  std::vector<int64_t> begins_{0};       // of the shards looked at, in the tokens of all; and the end of the last
  std::map<int64_t, SplitRows> splits_;  // of the shards looked at
};

}  // namespace strata::data
