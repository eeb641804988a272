#include "strata/nn/of_config.h"

namespace strata::nn {
namespace {

config::RunConfig config_of(int64_t global_batch, int64_t sequence_length) {
  config::RunConfig config;
  config.train.global_batch = global_batch;
  config.train.micro_batch = config::TrainConfig::kAutoMicroBatch;
  config.data.sequence_length = sequence_length;
  return config;
}

TEST(AutoMicroBatch, HasAsManyTokensAsSuitTheDevice) {
  EXPECT_EQ(micro_batch_for(config_of(512, 256)), 8);
  EXPECT_EQ(micro_batch_for(config_of(512, 256), at::kCUDA), 64);
  EXPECT_EQ(micro_batch_for(config_of(512, 4096)), 1);
  EXPECT_EQ(micro_batch_for(config_of(512, 4096), at::kCUDA), 4);
}

TEST(AutoMicroBatch, LeavesAllVirtualRanksSome) {
  EXPECT_EQ(micro_batch_for(config_of(16, 256)), 2);  // eight of them
  EXPECT_EQ(micro_batch_for(config_of(12, 256)), 3);  // four
  EXPECT_EQ(micro_batch_for(config_of(7, 256)), 7);   // one
  EXPECT_EQ(micro_batch_for(config_of(13, 256)), 1);
  config::RunConfig config = config_of(16, 256);
  config.parallel.virtual_ranks = 1;
  EXPECT_EQ(micro_batch_for(config), 8);
}

TEST(AutoMicroBatch, IsNotAskedForWhereThereIsANumber) {
  config::RunConfig config = config_of(512, 256);
  config.train.micro_batch = 5;
  EXPECT_EQ(micro_batch_for(config), 5);
}

}  // namespace
}  // namespace strata::nn
