#include "data/row_source.h"

#include "strata/base/check.h"
#include "strata/base/log.h"

namespace strata::data {

using config::RowKind;
using config::ShuffleScope;

RowSource::RowSource(std::unique_ptr<ShardSet> shards, const RowOptions& rows, Shuffle shuffle, std::string key)
    : shards_(std::move(shards)),
      options_(rows),
      shuffle_(shuffle),
      key_(std::move(key)),
      rows_(rows, goes_across_shards(rows.kind, shuffle),
            {.size = shards_->size(),
             .counts = [this](int64_t shard) { return counts_of(shard); },
             .at = [this](int64_t shard) { return hold(shard); }}),
      order_(
          shuffle, shards_->size(), [this](int64_t shard) { return rows_.count(shard); }, key_) {
  if (shuffle_ == ShuffleScope::kGlobal) shards_->need_all();
}

RowRanges RowSource::next(OrderCursor& cursor) {
  follow(cursor);
  const RowPlace place = order_.find(cursor);
  follow(cursor);
  ++cursor.row;
  return rows_.find(place);
}

void RowSource::follow(const OrderCursor& cursor) {
  if (followed_ && cursor.epoch == followed_->epoch && cursor.seed == followed_->seed) return;
  followed_ = cursor;
  shards_->expect(RowOrder::shards_of_epoch(shuffle_, shards_->size(), cursor));
}

SourceCounts RowSource::count_all() {
  const auto at = [this](int64_t shard) { return shards_->at(shard); };
  Rows rows(options_, goes_across_shards(options_.kind, shuffle_),
            {.size = shards_->size(), .counts = [&](int64_t shard) { return at(shard)->counts(); }, .at = at});
  SourceCounts counts{.shards = shards_->size()};
  for (int64_t index = 0; index < shards_->size(); ++index) {
    const auto shard = shards_->at(index);
    counts.documents += shard->num_documents();
    counts.tokens += shard->num_tokens();
    counts.skipped += shards_->skipped(index);
    counts.rows += rows.count(index);
    counts.left_out += rows.left_out(index);
    counts.has_targets = counts.has_targets || rows.has_targets(index);
  }
  return counts;
}

// Where packed rows stay inside a shard, one that is shorter than a row makes a short one, or none.
ShardCounts RowSource::counts_of(int64_t shard) {
  const ShardCounts counts = shards_->counts(shard);
  const bool stays_inside =
      options_.kind == RowKind::kPacked && shuffle_ == ShuffleScope::kShard && shards_->size() > 1;
  if (stays_inside && !told_of_short_shard_ && counts.tokens < options_.sequence_length) {
    told_of_short_shard_ = true;
    log::warn(str(key_, ": ", shards_->sources()[static_cast<size_t>(shard)].name, " holds ", counts.tokens,
                  counts.tokens == 1 ? " token" : " tokens",
                  ", fewer than a row (data.sequence_length=", options_.sequence_length,
                  "): with data.shuffle_scope=shard packed rows end with their shard; ", "global packs across shards"));
  }
  return counts;
}

std::shared_ptr<const TokenShard> RowSource::hold(int64_t shard) {
  auto& held = held_[shard];
  if (!held) held = shards_->at(shard);
  return held;
}

}  // namespace strata::data
