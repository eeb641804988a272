#include "strata/train/division.h"

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

}  // namespace
}  // namespace strata::train
