#include "strata/data/order.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "strata/base/check.h"
#include "strata/base/seed.h"

namespace strata::data {
namespace {

using config::ShuffleScope;

uint64_t epoch_key(const OrderCursor& cursor, std::string_view purpose) {
  return derive_seed(mix_bits(cursor.seed) ^ static_cast<uint64_t>(cursor.epoch), purpose);
}

}  // namespace

// At least 3 bits a half: with fewer, the rounds could reach only a few of the permutations of a short list.
Permutation::Permutation(int64_t size, uint64_t key)
    : size_(static_cast<uint64_t>(size)),
      key_(key),
      half_bits_(std::max(3, (static_cast<int>(std::bit_width(size_ - 1)) + 1) / 2)) {
  STRATA_ASSERT(size > 0);
}

int64_t Permutation::operator()(int64_t index) const {
  STRATA_ASSERT(0 <= index && static_cast<uint64_t>(index) < size_);
  constexpr uint64_t kRounds = 8;
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  auto value = static_cast<uint64_t>(index);
  do {
    uint64_t left = value >> half_bits_;
    uint64_t right = value & mask;
    for (uint64_t round = 0; round < kRounds; ++round) {
      left ^= mix_bits(mix_bits(key_ + round) ^ right) & mask;
      std::swap(left, right);
    }
    value = left << half_bits_ | right;
  } while (value >= size_);
  return static_cast<int64_t>(value);
}

RowOrder::RowOrder(Shuffle shuffle, int64_t num_shards, std::function<int64_t(int64_t shard)> rows_of_shard,
                   std::string key)
    : shuffle_(shuffle), rows_of_shard_(std::move(rows_of_shard)), num_shards_(num_shards), key_(std::move(key)) {
  begin_epoch({});
}

std::vector<int64_t> RowOrder::shards_of_epoch(Shuffle shuffle, int64_t num_shards, const OrderCursor& cursor) {
  std::vector<int64_t> shards(static_cast<size_t>(num_shards));
  std::iota(shards.begin(), shards.end(), 0);
  if (shuffle == ShuffleScope::kShard && num_shards > 0) {
    const Permutation permutation(num_shards, epoch_key(cursor, "shards"));
    std::ranges::transform(shards, shards.begin(), permutation);
  }
  return shards;
}

void RowOrder::begin_epoch(const OrderCursor& cursor) {
  epoch_ = {.seed = cursor.seed, .epoch = cursor.epoch, .row = 0};
  shards_ = shards_of_epoch(shuffle_, num_shards_, cursor);
  ends_.clear();
}

// Looks at one shard more; false if there is none.
bool RowOrder::extend() {
  if (ends_.size() == shards_.size()) return false;
  ends_.push_back((ends_.empty() ? 0 : ends_.back()) + rows_of_shard_(shards_[ends_.size()]));
  return true;
}

RowPlace RowOrder::find(OrderCursor& cursor) {
  STRATA_ASSERT(cursor.row >= 0);
  while (true) {
    if (epoch_.seed != cursor.seed || epoch_.epoch != cursor.epoch) begin_epoch(cursor);
    while ((ends_.empty() || ends_.back() <= cursor.row || shuffle_ == ShuffleScope::kGlobal) && extend()) {
    }
    const int64_t rows = ends_.empty() ? 0 : ends_.back();
    STRATA_CHECK(rows > 0, key_, ": the files make no row: they hold fewer than two tokens");
    if (cursor.row < rows) break;
    cursor = {.seed = cursor.seed, .epoch = cursor.epoch + 1, .row = cursor.row - rows};
  }
  const int64_t place =
      shuffle_ == ShuffleScope::kGlobal ? Permutation(ends_.back(), epoch_key(cursor, "rows"))(cursor.row) : cursor.row;
  const auto index = static_cast<size_t>(std::ranges::upper_bound(ends_, place) - ends_.begin());
  const int64_t first = index == 0 ? 0 : ends_[index - 1];
  const int64_t shard = shards_[index];
  if (shuffle_ != ShuffleScope::kShard) return {shard, place - first};
  const uint64_t key = mix_bits(epoch_key(cursor, "rows") ^ static_cast<uint64_t>(shard));
  return {shard, Permutation(ends_[index] - first, key)(place - first)};
}

}  // namespace strata::data
