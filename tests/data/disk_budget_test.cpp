// data.disk_budget_gb: shards of URLs that leave the cache, and what stays the same without them.
#include <atomic>
#include <set>
#include <thread>

#include "strata/base/check.h"
#include "strata/data/loader.h"
#include "support/bad_server.h"
#include "support/data_fixtures.h"

namespace strata::data {
namespace {

using config::ShuffleScope;
using strata::test::BadServer;
using strata::test::TempFolder;
using test::error_of;
using testing::HasSubstr;

constexpr int64_t kShards = 6;
constexpr int64_t kTiny = 1;  // bytes: only the shard that is in use fits
const std::vector<int64_t> kInOrder{0, 1, 2, 3, 4, 5};

bool becomes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 1'000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return condition();
}

int64_t bytes_in(const std::filesystem::path& cache) {
  int64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(cache)) {
    std::error_code gone;
    const bool is_shard = entry.path().string().find(".tokens") != std::string::npos;
    const auto size = is_shard ? std::filesystem::file_size(entry.path(), gone) : 0;
    if (!gone) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

// The most that the shards of a cache take, those in the making included, while it lives.
class Watch {
 public:
  explicit Watch(const std::filesystem::path& cache)
      : thread_([this, cache](const std::stop_token& stop) {
          while (!stop.stop_requested()) most = std::max(most.load(), bytes_in(cache));
        }) {}

  std::atomic<int64_t> most = 0;

 private:
  std::jthread thread_;
};

class ServedShards : public testing::Test {
 protected:
  ServedShards() {
    std::filesystem::create_directory(root_);
    for (int i = 0; i < kShards; ++i) {
      test::made_up_source(root_, str(i, ".json"), 40 * i, 40 * (i + 1));
      documents_.push_back(test::small_tokenizer()->encode_document(test::made_up_text(40 * i, 1 + 40 * i % 60)));
    }
    server_ = std::make_unique<BadServer>(root_);
    sources_ = find_sources({server_->url("good", "{0..5}.json")}, "data.train");
  }

  std::shared_ptr<const ShardCache> cache(const std::string& name = "cache") const {
    return std::make_shared<const ShardCache>(folder_ / name, test::small_tokenizer(), TokenizeOptions{});
  }

  bool is_there(int64_t index) const { return cache()->bytes_of(sources_[static_cast<size_t>(index)]) > 0; }

  // The first document of the shard that was made from file `index`.
  std::vector<int64_t> first_document(int64_t index) const {
    const auto& ids = documents_[static_cast<size_t>(index)];
    return {ids.begin(), ids.end()};
  }

  // The numbers of the files that were downloaded after the first `skip` requests.
  std::vector<int64_t> downloads(size_t skip = 0) const {
    std::vector<int64_t> numbers;
    for (const std::string& line : server_->requests()) numbers.push_back(line.at(std::string("/good/").size()) - '0');
    numbers.erase(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(skip));
    return numbers;
  }

  TempFolder folder_;
  std::filesystem::path root_ = folder_ / "root";
  std::vector<std::vector<int32_t>> documents_;
  std::unique_ptr<BadServer> server_;
  std::vector<Source> sources_;
};

class DiskBudget : public ServedShards {};

TEST_F(DiskBudget, AnEvictedShardStaysReadableAndIsMadeAgain) {
  ShardSet shards(sources_, cache(), kInOrder, kTiny);
  const auto first = shards.at(0);
  const ShardCounts counts = first->counts();
  EXPECT_EQ(shards.at(1)->document(0), first_document(1));
  EXPECT_TRUE(becomes_true([&] { return !is_there(0); }));
  EXPECT_TRUE(is_there(1));
  EXPECT_EQ(first->document(0), first_document(0));
  EXPECT_EQ(shards.counts(0), counts);
  EXPECT_THAT(downloads(), testing::ElementsAre(0, 1));
  EXPECT_EQ(shards.at(0)->document(0), first_document(0));
  EXPECT_THAT(downloads(), testing::ElementsAre(0, 1, 0));
}

TEST_F(DiskBudget, LeastRecentlyUsedGoFirstAndNoneThatWasMadeAhead) {
  sources_.resize(4);
  int64_t in_all = 0;
  for (const Source& source : sources_) {
    cache()->make(source);
    in_all += cache()->bytes_of(source);
  }
  ShardSet shards(sources_, cache(), {0, 1, 2, 3}, in_all - 1);
  for (const int64_t index : {0, 1, 0, 2}) shards.at(index);
  EXPECT_TRUE(becomes_true([&] { return !is_there(1); }));
  for (const int64_t index : {0, 2, 3}) EXPECT_TRUE(is_there(index)) << index;
}

TEST_F(DiskBudget, NothingIsMadeAheadWhileItIsFull) {
  ShardSet full(sources_, cache(), kInOrder, kTiny);
  full.at(0);
  ShardSet empty(sources_, cache("other"), kInOrder, 1'000'000'000);
  empty.at(0);
  EXPECT_TRUE(becomes_true([&] { return cache("other")->bytes_of(sources_[2]) > 0; }));
  EXPECT_FALSE(is_there(1));
}

// A resumed run has all of an epoch's earlier shards behind it: they are not in its way.
TEST_F(DiskBudget, WhatTheOrderPassedOverIsEvicted) {
  for (const int64_t index : {0, 1, 4}) cache()->make(sources_[static_cast<size_t>(index)]);
  ShardSet shards(sources_, cache(), kInOrder, kTiny);
  shards.at(3);
  EXPECT_TRUE(becomes_true([&] { return !is_there(0) && !is_there(1); }));
  EXPECT_TRUE(is_there(3));
  EXPECT_TRUE(is_there(4));
  EXPECT_EQ(shards.counts(1).documents, 40);
  EXPECT_THAT(downloads(), testing::ElementsAre(0, 1, 4, 3));
}

TEST_F(DiskBudget, LocalShardsStay) {
  const std::vector<Source> sources{test::made_up_source(folder_.path(), "a.json", 0, 40), sources_[0],
                                    test::made_up_source(folder_.path(), "b.json", 40, 80), sources_[1]};
  ShardSet shards(sources, cache(), {0, 1, 2, 3}, kTiny);
  for (const int64_t index : {0, 1, 2, 3}) shards.at(index);
  EXPECT_TRUE(becomes_true([&] { return !is_there(0); }));
  EXPECT_GT(cache()->bytes_of(sources[0]), 0);
  EXPECT_GT(cache()->bytes_of(sources[2]), 0);
}

TEST_F(DiskBudget, ADamagedCountsFileCountsAsNone) {
  const auto cache = this->cache();
  cache->make(sources_[0]);
  const auto path = cache->path_of(sources_[0]);
  const ShardCounts counts = TokenShard(path).counts();
  EXPECT_EQ(cache->counts_left_by(sources_[0]), std::nullopt);
  cache->evict(sources_[0], counts);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(cache->counts_left_by(sources_[0]), counts);
  cache->evict(sources_[0], counts);  // by another process at the same time

  const std::string good = strata::test::read_file(path.string() + ".counts");
  std::string other = good;
  other.at(other.find("40")) = '5';
  for (const std::string& bad : {other, good.substr(0, good.size() / 2), std::string(), std::string("[]")}) {
    strata::test::write_file(path.string() + ".counts", bad);
    EXPECT_EQ(cache->counts_left_by(sources_[0]), std::nullopt) << bad;
  }
  EXPECT_EQ(ShardSet(sources_, cache, kInOrder, kTiny).counts(0), counts);
  EXPECT_THAT(downloads(), testing::ElementsAre(0, 0));
}

// The rows of a run are numbered by what the shards held when they were first made.
TEST_F(DiskBudget, AnotherFileUnderTheSameUrlIsRefused) {
  ShardSet shards(sources_, cache(), kInOrder, kTiny);
  shards.at(0);
  shards.at(1);
  test::made_up_source(root_, "0.json", 0, 30);
  EXPECT_THAT(error_of([&] { shards.at(0); }), HasSubstr("/good/0.json: the server's file is another one than before"));
}

TEST_F(DiskBudget, IsKeptByTwoWhoShareACache) {
  const auto read_all = [&](uint64_t seed) {
    ShardSet shards(sources_, cache(), kInOrder, kTiny);
    for (OrderCursor cursor{.seed = seed}; cursor.epoch < 3; ++cursor.epoch) {
      const auto order = RowOrder::shards_of_epoch(ShuffleScope::kShard, kShards, cursor);
      shards.expect(order);
      for (const int64_t index : order) EXPECT_EQ(shards.at(index)->document(0), first_document(index));
    }
  };
  std::jthread other([&] { read_all(1); });
  read_all(2);
}

class StreamedRows : public ServedShards {
 protected:
  StreamedRows() {
    std::vector<int64_t> sizes;
    for (const Source& source : sources_) {
      cache("all")->make(source);
      sizes.push_back(cache("all")->bytes_of(source));
    }
    std::ranges::sort(sizes, std::greater<>());
    largest_ = sizes[0];
    budget_ = sizes[0] + sizes[1];
  }

  std::unique_ptr<BatchLoader> loader(Shuffle shuffle, const std::string& cache, int64_t budget,
                                      const OrderCursor& start,
                                      config::RowKind kind = config::RowKind::kDocument) const {
    LoaderOptions options;
    options.rows = {.kind = kind, .sequence_length = 32};
    options.shuffle = shuffle;
    // 25 is not a divisor of a shard's rows: some batches need two.
    options.batches = {.global_batch = 25, .micro_batch = 5, .vocab_size = 200, .prefetch = 1};
    return std::make_unique<BatchLoader>(
        std::make_unique<ShardSet>(sources_, this->cache(cache), RowOrder::shards_of_epoch(shuffle, kShards, start),
                                   budget),
        options, start);
  }

  int64_t largest_ = 0;
  int64_t budget_ = 0;
};

void expect_equal(const GlobalBatch& batch, const GlobalBatch& expected) {
  EXPECT_EQ(batch.begin, expected.begin);
  EXPECT_EQ(batch.end, expected.end);
  ASSERT_EQ(batch.micro_batches.size(), expected.micro_batches.size());
  for (size_t i = 0; i < batch.micro_batches.size(); ++i) {
    EXPECT_EQ(batch.micro_batches[i].row_starts, expected.micro_batches[i].row_starts);
    EXPECT_TRUE(batch.micro_batches[i].tokens_N.equal(expected.micro_batches[i].tokens_N));
  }
}

// An epoch and a half within a budget of two shards, then again from the middle in a new process's place.
TEST_F(StreamedRows, AreThoseOfAWholeCache) {
  for (const Shuffle& shuffle : {Shuffle(ShuffleScope::kShard), Shuffle()}) {
    const std::string cache = shuffle ? "cache of shuffled shards" : "cache";
    const OrderCursor start{.seed = 7};
    const auto whole = loader(shuffle, "all", 0, start);
    std::vector<GlobalBatch> expected;
    for (int step = 0; step < 15; ++step) expected.push_back(whole->next());
    {
      const auto streamed = loader(shuffle, cache, budget_, start);
      const Watch watch(folder_ / cache);
      for (const GlobalBatch& batch : expected) expect_equal(streamed->next(), batch);
      EXPECT_LE(watch.most, budget_ + largest_);
      EXPECT_GT(watch.most, 0);
    }
    for (const size_t step : {4, 8}) {
      const auto before = server_->requests().size();
      expect_equal(loader(shuffle, cache, budget_, expected[step].begin)->next(), expected[step]);
      const auto order = RowOrder::shards_of_epoch(shuffle, kShards, expected[step].begin);
      const auto passed = static_cast<std::ptrdiff_t>(step * 25 / 40);
      const std::set<int64_t> behind(order.begin(), order.begin() + passed);
      for (const int64_t index : downloads(before)) EXPECT_FALSE(behind.contains(index)) << step << ' ' << index;
    }
  }
}

// Packed rows go across shards that have left the cache; pieces of documents are counted where a shard is read again.
TEST_F(StreamedRows, OfEveryKindAreThoseOfAWholeCache) {
  for (const config::RowKind kind : {config::RowKind::kPacked, config::RowKind::kSplit}) {
    for (const Shuffle& shuffle : {Shuffle(ShuffleScope::kShard), Shuffle()}) {
      const std::string cache = str("cache ", static_cast<int>(kind), shuffle.has_value());
      const OrderCursor start{.seed = 7};
      const auto whole = loader(shuffle, "all", 0, start, kind);
      std::vector<GlobalBatch> expected;
      for (int step = 0; step < 15; ++step) expected.push_back(whole->next());
      const auto streamed = loader(shuffle, cache, budget_, start, kind);
      for (const GlobalBatch& batch : expected) expect_equal(streamed->next(), batch);
      expect_equal(loader(shuffle, cache, budget_, expected[9].begin, kind)->next(), expected[9]);
    }
  }
}

// Rows of all shards are mixed: to evict any of them would be to make them again and again.
TEST_F(StreamedRows, NeedEveryShardWhenShuffledAsAWhole) {
  const auto refusal = [&](const std::string& cache) {
    try {
      loader(ShuffleScope::kGlobal, cache, budget_, {})->next();
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("no usage error");
  };
  for (const std::string cache : {"new", "new", "all"}) {
    EXPECT_THAT(
        refusal(cache),
        testing::AllOf(HasSubstr(str("data.disk_budget_gb=", static_cast<double>(budget_) / 1e9, " is too small")),
                       HasSubstr("data.shuffle_scope: shard")));
  }
  EXPECT_EQ(loader(ShuffleScope::kGlobal, "all", kShards * largest_, {})->next().num_targets,
            loader(ShuffleScope::kGlobal, "all", 0, {})->next().num_targets);
  const auto before = server_->requests().size();
  EXPECT_THAT(error_of([&] { loader(ShuffleScope::kGlobal, "all", budget_, {}); }), HasSubstr("data.disk_budget_gb"));
  EXPECT_EQ(server_->requests().size(), before);
}

}  // namespace
}  // namespace strata::data
