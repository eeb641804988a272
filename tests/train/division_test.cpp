#include "strata/train/division.h"

#include <algorithm>

#include "strata/workers/partition.h"
#include "support/errors.h"

namespace strata::train {
namespace {

using strata::test::error_of;

TEST(Division, SharesMicroBatchesInOrder) {
  config::RunConfig config;
  config.train.global_batch = 96;
  config.train.micro_batch = 4;
  const Division division = divide(config, 4);
  EXPECT_EQ(division.virtual_ranks, 8);
  EXPECT_EQ(division.ranks_per_worker(), 2);
  EXPECT_EQ(division.micro_batches_per_part(), 3);
  EXPECT_THAT(division.micro_batches_of(3), testing::ElementsAre(18, 19, 20, 21, 22, 23));
}

TEST(Division, SaysWhatWouldFit) {
  config::RunConfig config;
  config.train.global_batch = 64;
  config.train.micro_batch = 32;
  EXPECT_EQ(error_of([&] { divide(config, 4); }),
            "train.micro_batch=32 makes 2 micro-batches of train.global_batch=64, which 4 workers cannot share; "
            "16, 8, 4 would");
  config.train.micro_batch = 8;
  config.parallel.virtual_ranks = 2;
  EXPECT_THAT(error_of([&] { divide(config, 4); }),
              testing::HasSubstr("parallel.virtual_ranks: 2 cannot be shared by 4 workers"));
}

TEST(Partition, CutsBucketsIntoWholeBlocks) {
  const workers::Partition partition(100'000, 30'000, 1, 4);
  EXPECT_THAT(partition.buckets(), testing::ElementsAre(ArenaRange{0, 32768}, ArenaRange{32768, 65536},
                                                        ArenaRange{65536, 98304}, ArenaRange{98304, 114688}));
  EXPECT_THAT(partition.mine(), testing::ElementsAre(ArenaRange{8192, 16384}, ArenaRange{40960, 49152},
                                                     ArenaRange{73728, 81920}, ArenaRange{102400, 106496}));
  EXPECT_EQ(workers::Partition(100'000, 30'000, 0, 1).padded_size(), 100'000);
}

// Matrices of all sizes, side by side and apart, and what may be cut in front of them and behind.
std::vector<ArenaRange> matrices() {
  return {{20'000, 26'000}, {26'000, 32'000}, {32'032, 33'000}, {33'024, 63'024}, {63'024, 93'024}, {93'024, 123'024}};
}

TEST(Partition, CutsNoMatrix) {
  for (const int workers : {2, 3, 4, 8}) {
    for (const int64_t bucket : {10'000, 100'000, 1'000'000}) {
      int64_t end = 0;
      std::vector<int64_t> shares(static_cast<size_t>(workers));
      const workers::Partition first(200'000, bucket, 0, workers, matrices());
      for (const ArenaRange& range : first.buckets()) {
        EXPECT_EQ(range.begin, end);
        const std::vector<int64_t> sizes = first.slice_sizes(range);
        for (int rank = 0; rank < workers; ++rank) {
          const ArenaRange slice = workers::Partition(200'000, bucket, rank, workers, matrices()).slice(range);
          EXPECT_EQ(slice, (ArenaRange{end, end + sizes[static_cast<size_t>(rank)]}));
          EXPECT_GE(slice.size(), 0);
          for (const ArenaRange& matrix : matrices()) {
            EXPECT_FALSE(matrix.begin < slice.end && slice.end < matrix.end) << slice.end;
          }
          shares[static_cast<size_t>(rank)] += slice.size();
          end = slice.end;
        }
        EXPECT_EQ(end, range.end);
      }
      EXPECT_EQ(end, first.padded_size());
      EXPECT_EQ(end % kArenaBlock, 0);
      // Nobody has more than an equal share and the largest matrix.
      EXPECT_LE(std::ranges::max(shares), end / workers + 30'000 + kArenaBlock);
    }
  }
}

TEST(Partition, OwnsNoEmptySlices) {
  const workers::Partition one_matrix(40'000, 10'000, 0, 4, {{0, 40'000}});
  int64_t owned = 0;
  for (int rank = 0; rank < 4; ++rank) {
    for (const ArenaRange& range : workers::Partition(40'000, 10'000, rank, 4, {{0, 40'000}}).mine()) {
      EXPECT_GT(range.size(), 0);
      owned += range.size();
    }
  }
  EXPECT_EQ(owned, one_matrix.padded_size());
}

}  // namespace
}  // namespace strata::train
