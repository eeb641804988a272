// configs/sft/*.yaml: the paper's recipe (GPAS, section 4), and a small one.
#include <set>

#include "strata/config/load.h"
#include "support/places.h"

namespace strata::config {
namespace {

RunConfig shipped(const std::string& name) { return load(test::source_folder() / "configs/sft" / name).config; }

TEST(SftConfigs, OneBillionIsThePapers) {
  const RunConfig config = shipped("1b_commonsense.yaml");
  EXPECT_EQ(config.lisa, (LisaConfig{.layers = 4, .interval = 3}));
  EXPECT_EQ(config.sft.epochs, 4);
  EXPECT_EQ(config.sft.limit, 0);
  EXPECT_TRUE(config.sft.freezes_gates());
  EXPECT_EQ(config.sft.loss, ScoredTokens::kResponse);
  EXPECT_EQ(config.sft.pack, SamplePacking::kSamples);
  EXPECT_EQ(config.data.sequence_length, 512);
  EXPECT_EQ(config.train.global_batch, 16);
  EXPECT_EQ(config.train.precision, Precision::kBf16);
  EXPECT_EQ(config.train.recompute, Recompute::kLayer);
  EXPECT_EQ(config.train.clip, (ClipConfig{.global = 1.0}));
  EXPECT_EQ(config.optimizer, (OptimizerConfig{.kind = OptimizerKind::kAdamw, .lr = 3e-4}));
  EXPECT_EQ(config.schedule, (ScheduleConfig{.kind = ScheduleKind::kLinear, .warmup_steps = 0, .min_ratio = 0.0}));
}

TEST(SftConfigs, NineMillionDiffersInSizeOnly) {
  RunConfig small = shipped("9m_commonsense.yaml");
  const RunConfig large = shipped("1b_commonsense.yaml");
  EXPECT_EQ(small.sft.limit, 2000);
  small.sft = large.sft;
  small.run.dir = large.run.dir;
  small.lisa.layers = large.lisa.layers;
  small.train.global_batch = large.train.global_batch;
  small.train.micro_batch = large.train.micro_batch;
  small.optimizer.lr = large.optimizer.lr;
  small.train.precision = large.train.precision;
  small.train.recompute = large.train.recompute;
  EXPECT_EQ(small, large);
}

// A file that nobody checks here is one that can rot.
TEST(SftFolder, HoldsTheseAndTheirBase) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() / "configs/sft")) {
    names.insert(entry.path().filename());
  }
  EXPECT_EQ(names, (std::set<std::string>{"1b_commonsense.yaml", "9m_commonsense.yaml", "commonsense.yaml"}));
}

}  // namespace
}  // namespace strata::config
