#include "strata/data/samples/blocks.h"

#include <numeric>

#include "support/sample_fixtures.h"

namespace strata::data {
namespace {

using config::SamplePacking;
using test::made_up_samples;
using test::random_sizes;
using testing::ElementsAre;

std::vector<int64_t> first_fit_one_by_one(const std::vector<int64_t>& sizes, int64_t capacity) {
  std::vector<int64_t> bins, rooms;
  for (const int64_t size : sizes) {
    size_t bin = 0;
    while (bin < rooms.size() && rooms[bin] < size) ++bin;
    if (bin == rooms.size()) rooms.push_back(capacity);
    rooms[bin] -= size;
    bins.push_back(static_cast<int64_t>(bin));
  }
  return bins;
}

TEST(FirstFit, IsWhatTryingOneBinAfterAnotherGives) {
  for (const int count : {0, 1, 2, 3, 7, 8, 9, 100, 1000}) {
    for (const int most : {2, 3, 17, 64}) {
      const auto sizes = random_sizes(count, most);
      const std::vector<int64_t> wide(sizes.begin(), sizes.end());
      EXPECT_EQ(first_fit(wide, 64), first_fit_one_by_one(wide, 64)) << count << " " << most;
    }
  }
  EXPECT_THAT(first_fit({5, 4, 6, 1, 3}, 10), ElementsAre(0, 0, 1, 0, 1));
}

// What the block holds, as its counts say.
void expect_counts(const SampleBlocks& blocks, int64_t block, const TokenRows& rows, const TokenRows& labels) {
  int64_t tokens = 0, targets = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    tokens += std::ssize(rows[row]);
    ASSERT_EQ(labels[row].size(), rows[row].size());
    targets += std::ssize(labels[row]) - 1 - std::count(labels[row].begin() + 1, labels[row].end(), kIgnore);
  }
  EXPECT_EQ(blocks.num_tokens(block), tokens);
  EXPECT_EQ(blocks.num_targets(block), targets);
  EXPECT_GT(targets, 0);
}

// Row and labels of a made-up sample.
void expect_sample(const Sample& sample, const std::vector<int64_t>& row, const std::vector<int64_t>& labels) {
  ASSERT_EQ(row, std::vector<int64_t>(sample.ids.begin(), sample.ids.end()));
  for (int64_t i = 0; i < std::ssize(row); ++i) {
    EXPECT_EQ(labels[static_cast<size_t>(i)], i < sample.prompt ? kIgnore : row[static_cast<size_t>(i)]);
  }
}

TEST(SampleBlocks, HoldEverySampleOnceAsARow) {
  const auto samples = made_up_samples(random_sizes(300, 60));
  for (const SamplePacking packing : {SamplePacking::kSamples, SamplePacking::kNone}) {
    const SampleBlocks blocks(samples, packing, 64);
    std::vector<int> seen(samples.size());
    for (int64_t block = 0; block < blocks.size(); ++block) {
      TokenRows rows, labels;
      blocks.read(block, rows, labels);
      expect_counts(blocks, block, rows, labels);
      EXPECT_LE(blocks.num_tokens(block), 64);
      if (packing == SamplePacking::kNone) {
        EXPECT_EQ(rows.size(), 1U);
      }
      for (size_t row = 0; row < rows.size(); ++row) {
        const auto found = std::ranges::find_if(
            samples, [&](const Sample& sample) { return sample.ids.front() == rows[row].front(); });
        ASSERT_NE(found, samples.end());
        ++seen[static_cast<size_t>(found - samples.begin())];
        expect_sample(*found, rows[row], labels[row]);
      }
    }
    EXPECT_THAT(seen, testing::Each(1));
    if (packing == SamplePacking::kSamples) {
      EXPECT_LT(blocks.size(), 300 * 31 / 64 * 1.15);
    }  // little room is left over
  }
}

TEST(SampleBlocks, TheStreamIsCutWhereverABlockEnds) {
  const auto samples = made_up_samples(random_sizes(100, 60));
  const SampleBlocks blocks(samples, SamplePacking::kStream, 64);
  std::vector<int64_t> stream, scored;
  for (int64_t block = 0; block < blocks.size(); ++block) {
    TokenRows rows, labels;
    blocks.read(block, rows, labels);
    expect_counts(blocks, block, rows, labels);
    ASSERT_EQ(rows.size(), 1U);
    if (block + 1 < blocks.size()) {
      EXPECT_EQ(rows[0].size(), 64U);
    }
    stream.insert(stream.end(), rows[0].begin(), rows[0].end());
    scored.insert(scored.end(), labels[0].begin(), labels[0].end());
  }
  size_t at = 0;
  for (const Sample& sample : samples) {
    const size_t end = at + sample.ids.size();
    ASSERT_LE(end, stream.size());
    expect_sample(sample, {stream.begin() + at, stream.begin() + end}, {scored.begin() + at, scored.begin() + end});
    at = end;
  }
  EXPECT_EQ(at, stream.size());
}

// With everything scored, a sample's first id is predicted where another sample stands before it, and only there.
TEST(SampleBlocks, AFirstIdIsATargetOnlyInsideTheStream) {
  auto samples = made_up_samples({6, 6, 6});
  for (Sample& sample : samples) sample.scored = {{0, 6}};
  const SampleBlocks stream(samples, SamplePacking::kStream, 10);
  EXPECT_EQ(stream.num_targets(0), 9);
  EXPECT_EQ(stream.num_targets(1), 7);
  const SampleBlocks packed(samples, SamplePacking::kSamples, 12);
  EXPECT_EQ(packed.num_targets(0), 10);
  EXPECT_EQ(packed.num_targets(1), 5);
}

TEST(SampleBlocks, StretchesWithoutATargetAreLeftOut) {
  auto samples = made_up_samples({30, 5});
  samples[0].scored = {{28, 30}};
  samples[1].scored = {{1, 2}};
  const SampleBlocks blocks(samples, SamplePacking::kStream, 8);  // ids 24 to 31 and 32 to 34 hold what is scored
  ASSERT_EQ(blocks.size(), 1);
  TokenRows rows, labels;
  blocks.read(0, rows, labels);
  EXPECT_EQ(rows[0].front(), 24);
  EXPECT_EQ(blocks.num_targets(0), 3);
}

}  // namespace
}  // namespace strata::data
