#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "strata/config/data.h"

namespace strata::data {

/// Where one source of a mixture stands.
struct SourceCursor {
  int64_t epoch = 0;   // of this source
  int64_t row = 0;     // next row of that epoch's order
  int64_t credit = 0;  // rows that it is behind its share, in parts of Mixture::kWhole

  bool operator==(const SourceCursor&) const = default;
};

/// Where the data stands: everything a resume needs to know.
struct OrderCursor {
  uint64_t seed = 0;
  int64_t epoch = 0;  // of a mixture: the highest of its sources'
  int64_t row = 0;    // next row of this epoch's order, over all workers; of a mixture: rows so far
  std::vector<SourceCursor> sources = {};  // of a mixture

  bool operator==(const OrderCursor&) const = default;
};

/// A random permutation of 0 … size-1 that is computed, not stored: any place is reached in constant time.
/// (A Feistel network over the next power of four, walked until it is back inside.)
class Permutation {
 public:
  Permutation(int64_t size, uint64_t key);
  int64_t operator()(int64_t index) const;

 private:
  uint64_t size_;
  uint64_t key_;
  int half_bits_;
};

/// What rows are shuffled within; nothing: rows as they lie in the shards, shards as they are listed.
using Shuffle = std::optional<config::ShuffleScope>;

struct RowPlace {
  int64_t shard = 0;
  int64_t row = 0;  // within the shard

  bool operator==(const RowPlace&) const = default;
};

/// The order of rows: where the row at a cursor lies is a function of the cursor, `shuffle`, and the number of rows of
/// each shard; nothing else decides it. Every epoch has every row once.
class RowOrder {
 public:
  /// `rows_of_shard` may wait for the shard; it is asked only for the shards that a place depends on. key: data.train
  /// or data.validation, for messages.
  RowOrder(Shuffle shuffle, int64_t num_shards, std::function<int64_t(int64_t shard)> rows_of_shard,
           std::string key = "data.train");

  /// Where the row at `cursor` lies. A cursor past the end of its epoch is moved on into the next ones first.
  /// Throws Error if the shards have no rows at all.
  RowPlace find(OrderCursor& cursor);

  /// The shards in the order in which this epoch needs them.
  static std::vector<int64_t> shards_of_epoch(Shuffle shuffle, int64_t num_shards, const OrderCursor& cursor);

 private:
  void begin_epoch(const OrderCursor& cursor);
  bool extend();

  Shuffle shuffle_;
  std::function<int64_t(int64_t)> rows_of_shard_;
  int64_t num_shards_;
  std::string key_;

  // Of the epoch that was asked for last: its shards, and for those looked at so far the end of their rows.
  OrderCursor epoch_;
  std::vector<int64_t> shards_;
  std::vector<int64_t> ends_;
};

}  // namespace strata::data
