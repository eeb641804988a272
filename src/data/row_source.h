#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "strata/data/order.h"
#include "strata/data/rows.h"
#include "strata/data/shard_set.h"

namespace strata::data {

/// What became of the files of a source.
struct SourceCounts {
  int64_t shards = 0;
  int64_t documents = 0;
  int64_t skipped = 0;  // documents that could not be read
  int64_t tokens = 0;
  int64_t rows = 0;
  int64_t left_out = 0;  // tokens that are in no row
  bool has_targets = false;
};

/// One source of the rows of a run: its shards, how they become rows, and in which order these come.
class RowSource {
 public:
  /// key: "data.train", or "data.train[0]" of a mixture, for messages.
  RowSource(std::unique_ptr<ShardSet> shards, const RowOptions& rows, Shuffle shuffle, std::string key);

  /// The row at `cursor`, which moves on to the next one. The shards follow it into another epoch. Waits for them.
  RowRanges next(OrderCursor& cursor);

  const Rows& rows() const { return rows_; }
  ShardSet& shards() { return *shards_; }
  const std::string& key() const { return key_; }

  /// The shards of rows that were asked for are held, so that none is made twice for a batch: until now.
  void let_go() { held_.clear(); }

  /// Opens all shards, and waits for them. May be called while another thread asks for rows.
  SourceCounts count_all();

 private:
  void follow(const OrderCursor& cursor);
  ShardCounts counts_of(int64_t shard);
  std::shared_ptr<const TokenShard> hold(int64_t shard);

  std::unique_ptr<ShardSet> shards_;
  RowOptions options_;
  Shuffle shuffle_;
  std::string key_;
  Rows rows_;
  RowOrder order_;
  std::optional<OrderCursor> followed_;  // in the epoch whose order the shards follow
  std::map<int64_t, std::shared_ptr<const TokenShard>> held_;
  bool told_of_short_shard_ = false;
};

}  // namespace strata::data
