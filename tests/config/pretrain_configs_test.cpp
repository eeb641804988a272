// configs/pretrain/*.yaml: the paper's recipe for every size, the demo, and the README's first run.
#include <algorithm>
#include <map>

#include "strata/config/load.h"
#include "support/places.h"

namespace strata::config {
namespace {

namespace fs = std::filesystem;

struct Recipe {
  std::string size;
  double lr;
  int64_t warmup_steps;
  int64_t steps;
  int64_t global_batch;
  ClipConfig clip;
  Recompute recompute;
};

void PrintTo(const Recipe& recipe, std::ostream* out) { *out << recipe.size; }

RunConfig shipped(const std::string& name) {
  return load(test::source_folder() / "configs/pretrain" / (name + ".yaml")).config;
}

class PretrainConfigs : public testing::TestWithParam<Recipe> {};

TEST_P(PretrainConfigs, AreThePapers) {
  const Recipe& recipe = GetParam();
  const RunConfig config = shipped(recipe.size);
  EXPECT_EQ(config.run.dir, "runs/" + recipe.size);
  EXPECT_EQ(config.run.seed, 42);
  EXPECT_EQ(config.model, load(test::source_folder() / "configs/model" / (recipe.size + ".yaml")).config.model);
  EXPECT_EQ(config.norm, NormConfig{});
  EXPECT_EQ(config.data.sequence_length, 256);
  EXPECT_EQ(config.data.rows, RowKind::kDocument);
  EXPECT_EQ(config.train.steps, recipe.steps);
  EXPECT_EQ(config.train.global_batch, recipe.global_batch);
  EXPECT_EQ(config.train.clip, recipe.clip);
  EXPECT_EQ(config.train.recompute, recipe.recompute);
  EXPECT_EQ(config.train.precision, Precision::kAuto);
  EXPECT_EQ(config.optimizer, (OptimizerConfig{.lr = recipe.lr}));
  EXPECT_EQ(config.schedule, (ScheduleConfig{.warmup_steps = recipe.warmup_steps}));
  EXPECT_EQ(config.evaluate, (EvaluateConfig{.every = 1000, .tokens = 10'000'000}));
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, PretrainConfigs,
    testing::Values(Recipe{"71m", 1e-3, 1'000, 10'000, 512, {}, Recompute::kNone},
                    Recipe{"130m", 1e-3, 2'000, 20'000, 512, {}, Recompute::kNone},
                    Recipe{"250m", 1e-3, 4'000, 40'000, 512, {}, Recompute::kNone},
                    Recipe{"350m", 5e-4, 6'000, 60'000, 512, {}, Recompute::kNone},
                    Recipe{"1b", 5e-4, 10'000, 100'000, 512, {}, Recompute::kNone},
                    Recipe{"7b", 3e-4, 10'000, 150'000, 2048, {.global = 1.0, .gates = 0.01}, Recompute::kLayer}));

// A file that nobody checks here is one that can rot.
TEST(PretrainFolder, HoldsTheSizesTheirBaseTheDemoAndAFirstRun) {
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(test::source_folder() / "configs/pretrain")) {
    if (file.is_directory()) continue;
    names.push_back(file.path().filename());
    EXPECT_NO_THROW(load(file.path())) << file.path();
  }
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"130m.yaml", "1b.yaml", "250m.yaml", "350m.yaml", "71m.yaml", "7b.yaml",
                                             "c4.yaml", "demo.yaml", "small.yaml"}));
}

// Its sizes, and the depth study at the width of 71m.
TEST(ProResConfigs, AreItsOwn) {
  const std::map<std::string, std::pair<double, int64_t>> expected{
      {"71m", {2e-3, 12}},     {"130m", {2e-3, 12}},     {"350m", {1e-3, 24}},    {"1b", {6e-4, 24}},
      {"7b", {3e-4, 32}},      {"71m_24L", {2e-3, 24}},  {"71m_48L", {2e-3, 48}}, {"71m_72L", {2e-3, 72}},
      {"71m_96L", {2e-3, 96}}, {"71m_120L", {2e-3, 120}}};
  size_t found = 0;
  for (const auto& file : fs::directory_iterator(test::source_folder() / "configs/pretrain/prores")) {
    const std::string name = file.path().stem();
    if (name == "recipe") continue;
    ASSERT_TRUE(expected.contains(name)) << name;
    const RunConfig config = load(file.path()).config;
    const auto& [lr, layers] = expected.at(name);
    EXPECT_EQ(config.norm.scheme, "pre+prores");
    EXPECT_EQ(config.optimizer.lr, lr) << name;
    EXPECT_EQ(config.model.layers, layers) << name;
    EXPECT_EQ(config.model.norm_eps, 1e-5);
    EXPECT_EQ(config.schedule.kind, ScheduleKind::kWsdReference);
    EXPECT_EQ(config.norm.prores.warmup_steps, name == "71m_120L" ? 60'000 : ProResConfig::kAutoWarmup);
    ++found;
  }
  EXPECT_EQ(found, expected.size());
}

TEST(Demo, IsAGatedRunInAFolderOfItsOwn) {
  const RunConfig config = shipped("demo");
  EXPECT_EQ(config.norm.scheme, "pre+gpas");
  EXPECT_EQ(config.run.dir, "runs/demo");
}

}  // namespace
}  // namespace strata::config
