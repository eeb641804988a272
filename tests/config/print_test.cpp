#include "strata/config/print.h"

#include "strata/config/enums.h"
#include "strata/config/load.h"
#include "support/places.h"
#include "support/temp_folder.h"

namespace strata::config {
namespace {

using testing::HasSubstr;

RunConfig reloaded(const std::string& yaml) {
  const test::TempFolder folder;
  test::write_file(folder / "x.yaml", yaml);
  return load(folder / "x.yaml").config;
}

void set_fine_tuning(RunConfig& config) {
  config.sft = {.model = "runs/a model",
                .data = {"a.json.gz", "{b,c}.jsonl"},
                .limit = 5,
                .epochs = 2,
                .prompt_template = "Q: {instruction}\n{input}\nA: {output}",
                .loss = ScoredTokens::kAll,
                .pack = SamplePacking::kStream,
                .holdout = 0.25,
                .answers = 3,
                .train_gates = true};
  config.lisa = {
      .layers = 2, .interval = 7, .states = LisaStates::kDrop, .sampling = LisaSampling::kWeighted, .seed = 11};
}

RunConfig nothing_at_its_default() {
  RunConfig config;
  config.run = {.dir = "somewhere else",
                .seed = (int64_t{1} << 62) + 1,
                .device = Device::kCpu,
                .threads = 3,
                .gemm = Gemm::kTiles};
  config.model = {.vocab = 99,
                  .hidden = 96,
                  .intermediate = 7,
                  .layers = 5,
                  .heads = 6,
                  .kv_heads = 2,
                  .norm_eps = 0.1 + 0.2,
                  .rope_theta = 5e5,
                  .max_positions = 77};
  config.norm.scheme = "mix+gpas";
  config.norm.init = NormInit::kReference;
  config.norm.options = {{"post_share", 1.0 / 3}, {"true", 1e-300}};
  config.norm.gpas = {.position = GpasPosition::kInput,
                      .stop_gradient = false,
                      .activation = GateActivation::kScaledSilu,
                      .start = -1.5,
                      .learnable = false,
                      .per = GpasPer::kSublayer};
  config.data = {.tokenizer = "t5/spiece.model",
                 .train = {.files = {"a/*.json.gz", "b"}},
                 .validation = {"c: d.jsonl"},
                 .cache = "cache dir",
                 .disk_budget_gb = 1.5,
                 .sequence_length = 17,
                 .rows = RowKind::kPacked,
                 .packed_attention = PackedAttention::kRow,
                 .shuffle = false,
                 .shuffle_scope = ShuffleScope::kShard,
                 .skip_bad = true,
                 .prefetch = 5};
  config.train = {.steps = 7,
                  .stop_after = 3,
                  .global_batch = 6,
                  .micro_batch = 3,
                  .precision = Precision::kMixed,
                  .recompute = Recompute::kFfn,
                  .loss_chunk = 9,
                  .loss_average = LossAverage::kPerMicroBatch,
                  .clip = {.global = 1.5, .gates = 0.01},
                  .on_nonfinite = OnNonfinite::kSkip,
                  .resume = "none"};
  config.optimizer = {
      .kind = OptimizerKind::kAdamw, .lr = 0.25, .beta1 = 0.5, .beta2 = 0.75, .eps = 1e-6, .weight_decay = 0.1};
  config.optimizer.groups.lr_factor = {{"*.mlp.*", 0.5}, {"embedding", 10.0}};
  config.optimizer.groups.eps = {{"gains", 1e-5}};
  config.norm.prores = {.warmup_steps = 12, .schedule = ProResSchedule::kStagewiseRootLayer};
  config.schedule = {.kind = ScheduleKind::kWsd, .warmup_steps = 2, .min_ratio = 0.5, .decay_steps = 3, .steps = 11};
  config.checkpoint = {.every = 5, .keep = 2};
  config.telemetry = {.every = 9, .tensorboard = false};
  config.evaluate = {.every = 4, .tokens = 1000};
  set_fine_tuning(config);
  return config;
}

// The resolved copy in a run folder must give back exactly the run.
TEST(ToYaml, LoadsToItself) {
  for (const RunConfig& config : {RunConfig{}, nothing_at_its_default()}) {
    const std::string yaml = to_yaml(config);
    EXPECT_EQ(reloaded(yaml), config);
    EXPECT_EQ(to_yaml(reloaded(yaml)), yaml);
  }
}

TEST(ToYaml, HoldsEverySectionInOrder) {
  EXPECT_THAT(to_yaml(RunConfig{}), testing::StartsWith("run:\n  dir: runs/unnamed\n  seed: 42\n  device: auto\n  "
                                                        "threads: 0\n  gemm: auto\n  tf32: false\nmodel:\n"));
  EXPECT_THAT(to_yaml(RunConfig{}), HasSubstr("\n  norm_eps: 1e-06\n"));
  EXPECT_THAT(to_yaml(RunConfig{}), HasSubstr("\n  options: {}\n  gpas:\n    position: auto\n"));
}

TEST(ToYaml, WritesChosenSectionsOnly) {
  EXPECT_EQ(to_yaml(RunConfig{}, {"telemetry"}), "telemetry:\n  every: auto\n  tensorboard: true\n");
}

// Text that YAML would read as something else, or that needs escapes, stays that text.
TEST(ToYaml, KeepsAnyText) {
  for (const char* text :
       {"", "true", "5", "1e3", "null", "~", "a: b", "# x", "two\nlines", "\"", "'", "- x", "*a", "µ"}) {
    RunConfig config;
    config.norm.scheme = text;
    EXPECT_EQ(reloaded(to_yaml(config)).norm.scheme, text);
  }
}

TEST(Flatten, GivesEveryKeyInOrder) {
  const auto pairs = flatten(nothing_at_its_default());
  EXPECT_EQ(pairs.front(), (std::pair<std::string, std::string>{"run.dir", "somewhere else"}));
  EXPECT_EQ(pairs.back(), (std::pair<std::string, std::string>{"lisa.seed", "11"}));
  EXPECT_THAT(pairs, testing::Contains(testing::Pair("norm.gpas.position", "input")));
  const char* options = "{post_share: 0.3333333333333333, true: 1e-300}";
  EXPECT_THAT(pairs, testing::Contains(testing::Pair("norm.options", options)));
}

TEST(Help, ListsEveryKeyWithDefaultAndChoices) {
  const std::string table = help();
  for (const auto& [key, value] : flatten(RunConfig{})) {
    EXPECT_THAT(table, testing::ContainsRegex("\n" + key + " +" + (value == "{}" ? "[{][}]" : value) + " +" +
                                              std::string(enum_name(affects_of(key))) + " +[^ ].*\n"));
  }
  EXPECT_THAT(table, HasSubstr("(one of auto, fp32, bf16, mixed)"));
  EXPECT_THAT(table, HasSubstr("(integer, at least 2)"));
}

TEST(Reference, IsWhatTheKeysSay) {
  EXPECT_EQ(test::read_file(test::source_folder() / "docs/configuration.md"), reference())
      << "make it anew: build/dev/strata inspect --keys --markdown > docs/configuration.md";
}

}  // namespace
}  // namespace strata::config
