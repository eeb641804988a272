#include "strata/data/samples/loader.h"

#include <ATen/ops/equal.h>

#include <array>
#include <map>

#include "support/sample_fixtures.h"

namespace strata::data {
namespace {

using config::SamplePacking;
using test::made_up_samples;
using test::random_sizes;

constexpr int64_t kCapacity = 64;
constexpr int64_t kVocab = 10'000;

class SampleBatches : public testing::TestWithParam<SamplePacking> {
 protected:
  std::unique_ptr<SampleLoader> loader(const SampleLoaderOptions& options,
                                       const OrderCursor& start = {.seed = 5}) const {
    return std::make_unique<SampleLoader>(blocks_, options, start);
  }

  std::vector<Sample> samples_ = made_up_samples(random_sizes(101, 60));
  SampleBlocks blocks_{samples_, GetParam(), kCapacity};
};

SampleLoaderOptions options_of(int64_t epochs = 3) {
  return {.epochs = epochs, .batches = {.global_batch = 12, .micro_batch = 3, .vocab_size = kVocab}};
}

std::optional<GlobalBatch> next_of(SampleLoader& loader) {
  return loader.next_unless([] { return false; });
}

std::vector<GlobalBatch> all_of(SampleLoader& loader) {
  std::vector<GlobalBatch> batches;
  while (auto batch = next_of(loader)) batches.push_back(std::move(*batch));
  return batches;
}

void expect_equal(const TokenBatch& batch, const TokenBatch& expected) {
  EXPECT_TRUE(at::equal(batch.tokens_N, expected.tokens_N));
  EXPECT_TRUE(at::equal(batch.loss_positions_T, expected.loss_positions_T));
  EXPECT_TRUE(at::equal(batch.targets_T, expected.targets_T));
  EXPECT_EQ(batch.row_starts, expected.row_starts);
}

void expect_equal(const GlobalBatch& batch, const GlobalBatch& expected) {
  EXPECT_EQ(batch.begin, expected.begin);
  EXPECT_EQ(batch.end, expected.end);
  EXPECT_EQ(batch.num_tokens, expected.num_tokens);
  EXPECT_EQ(batch.num_targets, expected.num_targets);
  ASSERT_EQ(batch.micro_batches.size(), expected.micro_batches.size());
  for (size_t i = 0; i < batch.micro_batches.size(); ++i)
    expect_equal(batch.micro_batches[i], expected.micro_batches[i]);
}

// The ids of an epoch's rows, each once: made-up samples have no id twice.
std::map<int64_t, int64_t> ids_of(const std::vector<GlobalBatch>& batches, int64_t epoch) {
  std::map<int64_t, int64_t> counts;
  for (const GlobalBatch& batch : batches) {
    if (batch.begin.epoch != epoch) continue;
    for (const TokenBatch& micro : batch.micro_batches) {
      const auto* const ids = micro.tokens_N.const_data_ptr<int64_t>();
      for (int64_t i = 0; i < micro.num_tokens(); ++i) ++counts[ids[i]];
    }
  }
  return counts;
}

TEST_P(SampleBatches, EveryEpochHasEveryTokenOnce) {
  const auto source = loader(options_of());
  const auto batches = all_of(*source);
  const int64_t steps = SampleLoader::steps_per_epoch(blocks_, 12);
  EXPECT_EQ(std::ssize(batches), 3 * steps);
  int64_t tokens = 0;
  for (int64_t block = 0; block < blocks_.size(); ++block) tokens += blocks_.num_tokens(block);
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    const auto counts = ids_of(batches, epoch);
    EXPECT_EQ(std::ssize(counts), tokens);
    for (const auto& [id, count] : counts) EXPECT_EQ(count, 1) << id;
  }
  EXPECT_FALSE(
      at::equal(batches[0].micro_batches[0].tokens_N, batches[static_cast<size_t>(steps)].micro_batches[0].tokens_N));
  EXPECT_EQ(next_of(*source), std::nullopt);
}

TEST_P(SampleBatches, CountsAreThoseOfTheMicroBatches) {
  const auto source = loader(options_of());
  for (const GlobalBatch& batch : all_of(*source)) {
    int64_t tokens = 0, targets = 0;
    for (const TokenBatch& micro : batch.micro_batches) {
      EXPECT_LE(micro.num_tokens(), 3 * kCapacity);
      EXPECT_LE(micro.longest_row, kCapacity);
      tokens += micro.num_tokens();
      targets += micro.num_targets();
    }
    EXPECT_EQ(batch.num_tokens, tokens);
    EXPECT_EQ(batch.num_targets, targets);
    EXPECT_EQ(batch.micro_batches.size(), 4U);
  }
}

TEST_P(SampleBatches, EpochsEndExactly) {
  const auto source = loader(options_of());
  const auto batches = all_of(*source);
  const int64_t steps = SampleLoader::steps_per_epoch(blocks_, 12);
  const int64_t rest = blocks_.size() - (steps - 1) * 12;
  for (int64_t step = 0; step < std::ssize(batches); ++step) {
    const GlobalBatch& batch = batches[static_cast<size_t>(step)];
    const int64_t epoch = step / steps, row = step % steps * 12;
    EXPECT_EQ(batch.begin, (OrderCursor{.seed = 5, .epoch = epoch, .row = row}));
    if (step % steps + 1 < steps) {
      EXPECT_EQ(batch.end, (OrderCursor{.seed = 5, .epoch = epoch, .row = row + 12}));
      continue;
    }
    EXPECT_EQ(batch.end, (OrderCursor{.seed = 5, .epoch = epoch + 1, .row = 0}));
    for (int64_t micro = 0; micro < 4; ++micro) {
      EXPECT_EQ(batch.micro_batches[static_cast<size_t>(micro)].num_tokens() == 0, micro * 3 >= rest);
    }
  }
}

TEST_P(SampleBatches, ContinueFromEveryCursor) {
  const auto straight = loader(options_of());
  const auto batches = all_of(*straight);
  for (size_t step = 0; step < batches.size(); ++step) {
    const auto resumed = loader(options_of(), batches[step].end);
    const auto next = next_of(*resumed);
    ASSERT_EQ(next.has_value(), step + 1 < batches.size());
    if (next) expect_equal(*next, batches[step + 1]);
  }
}

// Workers see their own micro-batches of the very batches that one worker alone would see, whoever computes what.
TEST_P(SampleBatches, WorkersShareTheBatches) {
  const auto whole = loader(options_of());
  const auto batches = all_of(*whole);
  for (const int64_t workers : {1, 2, 4}) {
    for (int64_t worker = 0; worker < workers; ++worker) {
      auto options = options_of();
      for (int64_t i = 0; i < 4 / workers; ++i) options.batches.mine.push_back(worker * (4 / workers) + i);
      const auto part = loader(options);
      for (const GlobalBatch& expected : batches) {
        GlobalBatch mine = expected;
        mine.micro_batches.clear();
        for (const int64_t i : options.batches.mine)
          mine.micro_batches.push_back(expected.micro_batches[static_cast<size_t>(i)]);
        expect_equal(*next_of(*part), mine);
      }
    }
  }
}

TEST_P(SampleBatches, UnshuffledBlocksComeAsTheyLie) {
  auto options = options_of(2);
  options.shuffle = false;
  const auto source = loader(options);
  int64_t block = 0;
  for (const GlobalBatch& batch : all_of(*source)) {
    for (const TokenBatch& micro : batch.micro_batches) {
      TokenRows rows, labels;
      for (int i = 0; i < 3 && micro.num_tokens() > 0 && (i == 0 || block % blocks_.size() != 0); ++i, ++block) {
        blocks_.read(block % blocks_.size(), rows, labels);
      }
      expect_equal(micro, rows.empty() ? TokenBatch::empty() : TokenBatch::from_rows(rows, &labels, kVocab));
    }
  }
  EXPECT_EQ(block, 2 * blocks_.size());
}

std::string packing_name(const testing::TestParamInfo<SamplePacking>& tested) {
  const std::array<const char*, 3> names{"samples", "stream", "none"};
  return names.at(static_cast<size_t>(tested.param));
}

INSTANTIATE_TEST_SUITE_P(All, SampleBatches,
                         testing::Values(SamplePacking::kSamples, SamplePacking::kStream, SamplePacking::kNone),
                         packing_name);

TEST(TokenBatch, MayHoldNothing) {
  const TokenBatch nothing = TokenBatch::empty();
  EXPECT_EQ(nothing.num_tokens(), 0);
  EXPECT_EQ(nothing.num_real_tokens(), 0);
  EXPECT_EQ(nothing.num_rows(), 0);
  EXPECT_EQ(nothing.num_scored(), 0);
  EXPECT_EQ(nothing.num_targets(), 0);
}

TEST(HeldOutSet, IsEverySampleInOrder) {
  const auto samples = made_up_samples(random_sizes(23, 60));
  const HeldOutSet set(samples, 4, kVocab);
  ASSERT_EQ(set.num_batches(), 6);
  size_t next = 0;
  for (int64_t index = 0; index < 6; ++index) {
    const TokenBatch batch = set.batch(index);
    TokenRows rows, labels;
    for (int64_t row = 0; row < batch.num_rows(); ++row) append_row(samples.at(next++), rows, labels);
    expect_equal(batch, TokenBatch::from_rows(rows, &labels, kVocab));
    EXPECT_EQ(batch.num_rows(), index < 5 ? 4 : 3);
  }
  EXPECT_EQ(HeldOutSet({}, 4, kVocab).num_batches(), 0);
}

}  // namespace
}  // namespace strata::data
