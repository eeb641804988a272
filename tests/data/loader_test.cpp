#include "strata/data/loader.h"

#include <ATen/ops/equal.h>

#include <numeric>

#include "strata/base/check.h"
#include "support/data_fixtures.h"

namespace strata::data {
namespace {

using config::RowKind;
using strata::test::TempFolder;
using test::error_of;

constexpr int64_t kRowsInAll = 400;

class Loader : public testing::Test {
 protected:
  std::unique_ptr<ShardSet> shards() {
    std::vector<Source> sources{test::made_up_source(folder_.path(), "a.json.gz", 0, 300),
                                test::made_up_source(folder_.path(), "b.json.gz", 300, kRowsInAll)};
    for (const auto& source : sources) std::filesystem::last_write_time(source.files[0], {});
    return std::make_unique<ShardSet>(sources, cache(), std::vector<int64_t>{0, 1});
  }

  std::shared_ptr<const ShardCache> cache() const {
    return std::make_shared<const ShardCache>(folder_ / "cache", test::small_tokenizer(),
                                              TokenizeOptions{.threads = 2});
  }

  std::unique_ptr<BatchLoader> loader(const LoaderOptions& options, const OrderCursor& start = {.seed = 5}) {
    return std::make_unique<BatchLoader>(shards(), options, start);
  }

  // The shards in a.json.gz and b.json.gz, with weights of their own.
  std::unique_ptr<BatchLoader> mixed(const LoaderOptions& options, const std::vector<double>& weights = {0.7, 0.3},
                                     const OrderCursor& start = {.seed = 5}) {
    std::vector<MixedShards> mixture;
    for (size_t i = 0; i < weights.size(); ++i) {
      const std::string name = i == 0 ? "a.json.gz" : "b.json.gz";
      const Source source = test::made_up_source(folder_.path(), name, i == 0 ? 0 : 300, i == 0 ? 300 : kRowsInAll);
      std::filesystem::last_write_time(source.files[0], {});
      mixture.push_back({.shards = std::make_unique<ShardSet>(std::vector{source}, cache(), std::vector<int64_t>{0}),
                         .weight = weights[i],
                         .name = name});
    }
    return std::make_unique<BatchLoader>(std::move(mixture), options, start);
  }

  TempFolder folder_;
};

LoaderOptions options_of(RowKind kind, int64_t global_batch = 24, int64_t micro_batch = 4) {
  LoaderOptions options;
  options.rows = {.kind = kind, .sequence_length = 32};
  options.batches = {.global_batch = global_batch, .micro_batch = micro_batch, .vocab_size = 200};
  return options;
}

std::vector<int64_t> tokens_of(const TokenBatch& batch) {
  return {batch.tokens_N.const_data_ptr<int64_t>(), batch.tokens_N.const_data_ptr<int64_t>() + batch.num_tokens()};
}

std::vector<int64_t> tokens_of(const GlobalBatch& batch) {
  std::vector<int64_t> tokens;
  for (const auto& micro : batch.micro_batches) std::ranges::copy(tokens_of(micro), std::back_inserter(tokens));
  return tokens;
}

TEST_F(Loader, DocumentRowsAreCutWithAFinalEnd) {
  auto options = options_of(RowKind::kDocument);
  options.shuffle = std::nullopt;
  const auto batch = loader(options)->next();
  ASSERT_EQ(batch.micro_batches.size(), 6U);
  int number = 0;
  for (const auto& micro : batch.micro_batches) {
    const auto tokens = tokens_of(micro);
    ASSERT_EQ(micro.num_rows(), 4);
    for (size_t row = 0; row < 4; ++row, ++number) {
      auto ids = test::small_tokenizer()->encode(test::made_up_text(number, 1 + number % 60));
      if (ids.size() > 31) ids.resize(31);
      ids.push_back(Tokenizer::kEos);
      EXPECT_EQ(
          std::vector<int64_t>(ids.begin(), ids.end()),
          std::vector<int64_t>(tokens.begin() + micro.row_starts[row], tokens.begin() + micro.row_starts[row + 1]));
    }
  }
}

TEST_F(Loader, CountsAreThoseOfTheBatches) {
  for (const bool mask : {true, false}) {
    for (const RowKind kind : {RowKind::kDocument, RowKind::kSplit, RowKind::kPacked}) {
      auto options = options_of(kind);
      options.rows.mask_documents = mask;
      const auto source = loader(options);
      for (int step = 0; step < 30; ++step) {
        const auto batch = source->next();
        int64_t tokens = 0, targets = 0;
        for (const auto& micro : batch.micro_batches) {
          tokens += micro.num_tokens();
          targets += micro.num_targets();
        }
        EXPECT_EQ(batch.num_tokens, tokens);
        EXPECT_EQ(batch.num_targets, targets);
      }
    }
  }
}

std::vector<std::vector<int64_t>> rows_of(const GlobalBatch& batch) {
  std::vector<std::vector<int64_t>> rows;
  for (const auto& micro : batch.micro_batches) {
    const auto tokens = tokens_of(micro);
    for (size_t row = 0; row + 1 < micro.row_starts.size(); ++row) {
      rows.emplace_back(tokens.begin() + micro.row_starts[row], tokens.begin() + micro.row_starts[row + 1]);
    }
  }
  return rows;
}

// Unshuffled packed rows are the documents end to end, and no piece goes over the border of a document.
TEST_F(Loader, PackedRowsHoldEveryTokenInOrder) {
  auto options = options_of(RowKind::kPacked, 1, 1);
  options.shuffle = std::nullopt;
  const auto source = loader(options);
  std::vector<int64_t> expected;
  for (int number = 0; number < 40; ++number) {
    const auto ids = test::small_tokenizer()->encode_document(test::made_up_text(number, 1 + number % 60));
    expected.insert(expected.end(), ids.begin(), ids.end());
  }
  std::vector<int64_t> found;
  while (found.size() + 32 <= expected.size()) {
    const auto batch = source->next();
    const auto tokens = tokens_of(batch);
    ASSERT_EQ(tokens.size(), 32U);
    const auto& starts = batch.micro_batches[0].row_starts;
    for (size_t row = 0; row + 1 < starts.size(); ++row) {
      const auto end = std::find(tokens.begin() + starts[row], tokens.end(), Tokenizer::kEos);
      EXPECT_EQ(std::min<int64_t>(end - tokens.begin() + 1, 32), starts[row + 1]);
    }
    found.insert(found.end(), tokens.begin(), tokens.end());
  }
  expected.resize(found.size());
  EXPECT_EQ(found, expected);
}

TEST_F(Loader, UnmaskedPackedRowsAreOnePiece) {
  auto options = options_of(RowKind::kPacked);
  options.rows.mask_documents = false;
  const auto batch = loader(options)->next();
  EXPECT_EQ(batch.micro_batches[0].row_starts, (std::vector<int32_t>{0, 32, 64, 96, 128}));
  EXPECT_EQ(batch.num_targets, 24 * 31);
}

// No row is lost or repeated at the border of an epoch that falls inside a batch.
TEST_F(Loader, EveryEpochHasEveryRowOnce) {
  const auto source = loader(options_of(RowKind::kDocument, 150, 50));
  std::map<std::vector<int64_t>, int> counts;
  for (int step = 0; step < 8; ++step) {  // 1200 rows: three epochs
    for (const auto& micro : source->next().micro_batches) {
      const auto tokens = tokens_of(micro);
      for (size_t row = 0; row + 1 < micro.row_starts.size(); ++row) {
        ++counts[{tokens.begin() + micro.row_starts[row], tokens.begin() + micro.row_starts[row + 1]}];
      }
    }
  }
  int rows = 0;
  for (const auto& [tokens, count] : counts) {
    EXPECT_EQ(count % 3, 0);  // equal documents count together
    rows += count;
  }
  EXPECT_EQ(rows, 3 * kRowsInAll);
}

TEST_F(Loader, ContinuesFromAnyCursor) {
  for (const RowKind kind : {RowKind::kDocument, RowKind::kSplit, RowKind::kPacked}) {
    const auto straight = loader(options_of(kind));
    std::vector<GlobalBatch> batches;
    for (int step = 0; step < 50; ++step) batches.push_back(straight->next());
    for (const size_t step : {1, 17, 49}) {
      const auto resumed = loader(options_of(kind), batches[step - 1].end)->next();
      EXPECT_EQ(tokens_of(resumed), tokens_of(batches[step]));
      EXPECT_EQ(resumed.end, batches[step].end);
    }
    straight->seek(batches[3].begin);
    EXPECT_EQ(tokens_of(straight->next()), tokens_of(batches[3]));
  }
}

// 10,000 rows of 300 and 100 documents at 7 to 3: every document as often as the epochs of its source say.
TEST_F(Loader, MixtureKeepsItsSharesAndTheEpochsOfEachSource) {
  const auto source = mixed(options_of(RowKind::kDocument, 100, 100));
  std::map<std::vector<int64_t>, int64_t> counts;
  OrderCursor end;
  for (int step = 0; step < 100; ++step) {
    const auto batch = source->next();
    for (const auto& row : rows_of(batch)) ++counts[row];
    end = batch.end;
  }
  EXPECT_EQ(end.row, 10'000);
  EXPECT_EQ(end.epoch, 29);
  EXPECT_EQ(end.sources, (std::vector<SourceCursor>{{.epoch = 23, .row = 100}, {.epoch = 29, .row = 100}}));
  int64_t of_first = 0, of_second = 0;
  for (int number = 0; number < kRowsInAll; ++number) {
    auto ids = test::small_tokenizer()->encode(test::made_up_text(number, 1 + number % 60));
    if (ids.size() > 31) ids.resize(31);
    ids.push_back(Tokenizer::kEos);
    const int64_t times = counts[{ids.begin(), ids.end()}];
    (number < 300 ? of_first : of_second) += times;
    EXPECT_GE(times, number < 300 ? 23 : 30) << number;
    EXPECT_LE(times, number < 300 ? 24 : 30) << number;
  }
  EXPECT_EQ(of_first, 7'000);
  EXPECT_EQ(of_second, 3'000);
  EXPECT_THAT(source->description(100),
              testing::ElementsAre(testing::HasSubstr("data: a mixture of 2 sources, 400 documents, "),
                                   testing::ContainsRegex("^data.train.0. .a.json.gz.: 70 % of the rows; 300 "
                                                          "documents, .* 1 shard; rows: 300 document, .* 23.3 epochs$"),
                                   testing::EndsWith("; 30 epochs")));
  EXPECT_THAT(source->read_before(end),
              testing::ElementsAre("read of data.train[0] (a.json.gz): 7,000 rows, 23.3 epochs",
                                   "read of data.train[1] (b.json.gz): 3,000 rows, 30 epochs"));
}

TEST_F(Loader, MixtureContinuesFromAnyCursor) {
  for (const Shuffle shuffle :
       {Shuffle(config::ShuffleScope::kGlobal), Shuffle(config::ShuffleScope::kShard), Shuffle()}) {
    for (const RowKind kind : {RowKind::kDocument, RowKind::kSplit, RowKind::kPacked}) {
      auto options = options_of(kind);
      options.shuffle = shuffle;
      const auto straight = mixed(options, {0.55, 0.45});
      std::vector<GlobalBatch> batches;
      for (int step = 0; step < 60; ++step) batches.push_back(straight->next());
      for (const size_t step : {1, 17, 59}) {
        const auto resumed = mixed(options, {0.55, 0.45}, batches[step - 1].end)->next();
        EXPECT_EQ(tokens_of(resumed), tokens_of(batches[step]));
        EXPECT_EQ(resumed.end, batches[step].end);
      }
      straight->seek(batches[3].begin);
      EXPECT_EQ(tokens_of(straight->next()), tokens_of(batches[3]));
    }
  }
}

TEST_F(Loader, WorkersShareABatchOfAMixture) {
  const auto whole = mixed(options_of(RowKind::kPacked))->next();
  for (const int64_t workers : {2, 3, 6}) {
    for (int64_t worker = 0; worker < workers; ++worker) {
      auto options = options_of(RowKind::kPacked);
      const int64_t each = 6 / workers;
      for (int64_t i = 0; i < each; ++i) options.batches.mine.push_back(worker * each + i);
      const auto part = mixed(options)->next();
      EXPECT_EQ(part.num_targets, whole.num_targets);
      EXPECT_EQ(part.end, whole.end);
      for (int64_t i = 0; i < each; ++i) {
        EXPECT_TRUE(at::equal(part.micro_batches[static_cast<size_t>(i)].tokens_N,
                              whole.micro_batches[static_cast<size_t>(worker * each + i)].tokens_N));
      }
    }
  }
}

// The first source has the order that it would have alone.
TEST_F(Loader, MixtureOfOneIsAPlainList) {
  const auto mixture = mixed(options_of(RowKind::kDocument), {3.0});
  const auto source = test::made_up_source(folder_.path(), "a.json.gz", 0, 300);
  std::filesystem::last_write_time(source.files[0], {});
  BatchLoader plain(std::make_unique<ShardSet>(std::vector{source}, cache(), std::vector<int64_t>{0}),
                    options_of(RowKind::kDocument), {.seed = 5});
  for (int step = 0; step < 20; ++step) EXPECT_EQ(tokens_of(mixture->next()), tokens_of(plain.next()));
}

// Weights may change at a resume (train.allow_change): each source goes on where it stood.
TEST_F(Loader, MixtureTakesOtherWeightsOnItsWay) {
  const auto before = mixed(options_of(RowKind::kDocument, 100, 100), {0.7, 0.3})->next();
  const auto after = mixed(options_of(RowKind::kDocument, 100, 100), {0.2, 0.8}, before.end)->next();
  EXPECT_EQ(after.end.sources, (std::vector<SourceCursor>{{.epoch = 0, .row = 90}, {.epoch = 1, .row = 10}}));
}

TEST_F(Loader, CursorsOfOtherSourcesBeginAnewAndSaySo) {
  const auto first = mixed(options_of(RowKind::kDocument))->next();
  const auto end_of_plain = loader(options_of(RowKind::kDocument))->next().end;
  testing::internal::CaptureStderr();
  EXPECT_EQ(tokens_of(mixed(options_of(RowKind::kDocument), {0.7, 0.3}, end_of_plain)->next()), tokens_of(first));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("was saved under a plain list"));
  testing::internal::CaptureStderr();
  EXPECT_EQ(tokens_of(loader(options_of(RowKind::kDocument), first.end)->next()),
            tokens_of(loader(options_of(RowKind::kDocument))->next()));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("was saved under a mixture of 2 sources"));
}

// Workers see their own micro-batches of the very batch that one worker alone would see.
TEST_F(Loader, WorkersShareABatch) {
  const auto whole = loader(options_of(RowKind::kDocument))->next();
  for (int64_t worker = 0; worker < 2; ++worker) {
    auto options = options_of(RowKind::kDocument);
    options.batches.mine = {worker * 3, worker * 3 + 1, worker * 3 + 2};
    const auto part = loader(options)->next();
    EXPECT_EQ(part.num_targets, whole.num_targets);
    EXPECT_EQ(part.num_tokens, whole.num_tokens);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(at::equal(part.micro_batches[i].tokens_N, whole.micro_batches[worker * 3 + i].tokens_N));
    }
  }
}

TEST_F(Loader, WrongSizesSayWhatFits) {
  EXPECT_THAT(error_of([&] { loader(options_of(RowKind::kDocument, 512, 48)); }),
              testing::StrEq("train.micro_batch=48 does not divide train.global_batch=512; 32 and 64 do"));
  auto options = options_of(RowKind::kDocument);
  options.batches.vocab_size = 100;
  EXPECT_THROW(loader(options), UsageError);
  options = options_of(RowKind::kDocument);
  options.rows.sequence_length = 1;
  EXPECT_THROW(loader(options), UsageError);
}

// The last row is shorter, but there, unless it has nothing to predict.
TEST_F(Loader, PackedRowsLoseNoToken) {
  const auto all = shards();
  int64_t tokens = 0;
  for (const int64_t shard : {0, 1}) tokens += all->at(shard)->num_tokens();
  for (const int64_t length : {7, 32, 1'000'000}) {
    const ValidationSet set(shards(), {.kind = RowKind::kPacked, .sequence_length = length}, 1'000'000, 8, 200);
    const int64_t in_rows = tokens - (tokens % length == 1 ? 1 : 0);
    EXPECT_EQ(set.num_tokens(), in_rows) << length;
    EXPECT_EQ(set.num_rows(), (in_rows + length - 1) / length) << length;
    int64_t read = 0;
    for (int64_t i = 0; i < set.num_batches(); ++i) read += set.batch(i).num_tokens();
    EXPECT_EQ(read, set.num_tokens()) << length;
  }
}

TEST_F(Loader, ValidationIsTheFirstRowsUpToItsTokens) {
  const RowOptions rows{.kind = RowKind::kDocument, .sequence_length = 32};
  const ValidationSet set(shards(), rows, 1000, 8, 200);
  int64_t tokens = 0;
  for (int64_t i = 0; i < set.num_batches(); ++i) tokens += set.batch(i).num_tokens();
  EXPECT_EQ(tokens, set.num_tokens());
  EXPECT_GE(tokens, 1000);
  EXPECT_LT(tokens, 1000 + 32);

  const ValidationSet all(shards(), rows, 1'000'000'000, 8, 200);
  EXPECT_EQ(all.num_rows(), kRowsInAll);
  EXPECT_EQ(tokens_of(all.batch(0)), tokens_of(set.batch(0)));
}

}  // namespace
}  // namespace strata::data
