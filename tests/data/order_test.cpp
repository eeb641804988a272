#include "strata/data/order.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "strata/base/check.h"

namespace strata::data {
namespace {

using config::ShuffleScope;

TEST(Permutation, ReachesEveryPlaceOnce) {
  for (const int64_t size : {1, 2, 3, 7, 63, 64, 65, 1000, 4096, 100'003}) {
    std::vector<bool> seen(static_cast<size_t>(size));
    const Permutation permutation(size, 42);
    for (int64_t i = 0; i < size; ++i) seen.at(static_cast<size_t>(permutation(i))) = true;
    EXPECT_EQ(std::ranges::count(seen, true), size);
  }
}

// All 24 orders of four rows appear about equally often: chi-square, 23 degrees of freedom, p = 1e-6 at 70.
TEST(Permutation, IsUniformOverShortLists) {
  std::map<std::vector<int64_t>, int> counts;
  constexpr int kDraws = 24'000;
  for (int key = 0; key < kDraws; ++key) {
    const Permutation permutation(4, static_cast<uint64_t>(key));
    ++counts[{permutation(0), permutation(1), permutation(2), permutation(3)}];
  }
  ASSERT_EQ(counts.size(), 24U);
  double chi_square = 0;
  for (const auto& [order, count] : counts) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 70);
}

// Neighbours end up far from each other: the mean distance of a random permutation is a third of its size.
TEST(Permutation, SeparatesNeighbours) {
  constexpr int64_t kSize = 100'000;
  const Permutation permutation(kSize, 7);
  double distance = 0;
  for (int64_t i = 0; i + 1 < kSize; ++i)
    distance += static_cast<double>(std::abs(permutation(i) - permutation(i + 1)));
  EXPECT_NEAR(distance / kSize, kSize / 3.0, kSize / 100.0);
}

const std::vector<int64_t> kRows{5, 0, 17, 1, 40};
const int64_t kTotal = 63;

RowOrder order_of(Shuffle shuffle) {
  return {shuffle, static_cast<int64_t>(kRows.size()), [](int64_t shard) { return kRows[static_cast<size_t>(shard)]; }};
}

std::vector<std::pair<int64_t, int64_t>> epoch_of(Shuffle shuffle, uint64_t seed, int64_t epoch) {
  RowOrder order = order_of(shuffle);
  std::vector<std::pair<int64_t, int64_t>> places;
  for (int64_t row = 0; row < kTotal; ++row) {
    OrderCursor cursor{.seed = seed, .epoch = epoch, .row = row};
    const RowPlace place = order.find(cursor);
    EXPECT_EQ(cursor.epoch, epoch);
    places.emplace_back(place.shard, place.row);
  }
  return places;
}

class Orders : public testing::TestWithParam<Shuffle> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Orders, testing::Values(ShuffleScope::kGlobal, ShuffleScope::kShard, std::nullopt));

TEST_P(Orders, HaveEveryRowOnceInEveryEpoch) {
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    const auto places = epoch_of(GetParam(), 1, epoch);
    const std::set<std::pair<int64_t, int64_t>> distinct(places.begin(), places.end());
    EXPECT_EQ(distinct.size(), static_cast<size_t>(kTotal));
    for (const auto& [shard, row] : places) EXPECT_LT(row, kRows.at(static_cast<size_t>(shard)));
  }
}

// The order of questions must not matter: a resume asks for one row in the middle of a later epoch first.
TEST_P(Orders, AreAFunctionOfTheCursorAlone) {
  const auto places = epoch_of(GetParam(), 9, 2);
  for (int64_t row = kTotal - 1; row >= 0; --row) {
    RowOrder fresh = order_of(GetParam());
    OrderCursor cursor{.seed = 9, .epoch = 0, .row = 2 * kTotal + row};  // counted from the start
    const RowPlace place = fresh.find(cursor);
    EXPECT_EQ((OrderCursor{.seed = 9, .epoch = 2, .row = row}), cursor);
    EXPECT_EQ(std::pair(place.shard, place.row), places[static_cast<size_t>(row)]);
  }
}

TEST(RowOrder, SeedsAndEpochsDiffer) {
  for (const auto shuffle : {ShuffleScope::kGlobal, ShuffleScope::kShard}) {
    EXPECT_NE(epoch_of(shuffle, 1, 0), epoch_of(shuffle, 1, 1));
    EXPECT_NE(epoch_of(shuffle, 1, 0), epoch_of(shuffle, 2, 0));
    EXPECT_FALSE(std::ranges::is_sorted(epoch_of(shuffle, 1, 0)));
  }
  EXPECT_EQ(epoch_of(std::nullopt, 1, 0), epoch_of(std::nullopt, 2, 5));
  EXPECT_TRUE(std::ranges::is_sorted(epoch_of(std::nullopt, 1, 0)));
}

// Training on shards that arrive one after another begins when the first is there.
TEST(RowOrder, AsksOnlyForTheShardsItNeeds) {
  std::vector<int64_t> asked;
  RowOrder order(ShuffleScope::kShard, 100, [&](int64_t shard) {
    asked.push_back(shard);
    return 10;
  });
  OrderCursor cursor{.seed = 3, .epoch = 0, .row = 0};
  for (; cursor.row < 25; ++cursor.row) order.find(cursor);
  const auto expected = RowOrder::shards_of_epoch(ShuffleScope::kShard, 100, cursor);
  EXPECT_EQ(asked, std::vector<int64_t>(expected.begin(), expected.begin() + 3));
}

TEST(RowOrder, DataWithoutRowsIsAnError) {
  RowOrder order(ShuffleScope::kGlobal, 2, [](int64_t) { return 0; });
  OrderCursor cursor;
  EXPECT_THROW(order.find(cursor), Error);
}

}  // namespace
}  // namespace strata::data
