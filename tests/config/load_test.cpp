#include "strata/config/load.h"

#include <cstdlib>

#include "strata/config/print.h"
#include "support/places.h"
#include "support/temp_folder.h"

namespace strata::config {
namespace {

class Load : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    test::write_file(folder_ / name, content);
    return (folder_ / name).string();
  }

  test::TempFolder folder_;
};

TEST_F(Load, AnEmptyFileIsAllDefaults) {
  EXPECT_EQ(load(write("empty.yaml", "")).config, RunConfig{});
  EXPECT_EQ(load(write("comment.yaml", "# nothing yet\ntrain:\n  # micro_batch: 4\n")).config, RunConfig{});
}

TEST_F(Load, ReadsEveryTypeOfValue) {
  const std::string file = write("all.yaml",
                                 "run: {seed: 7, gemm: blis}\n"
                                 "model: {norm_eps: 1e-5, rope_theta: 500000}\n"
                                 "norm:\n"
                                 "  scheme: mix+gpas\n"
                                 "  options: {post_share: .25}\n"
                                 "  gpas: {position: skip, stop_gradient: false, activation: leaky_relu, start: -1}\n"
                                 "train: {recompute: layer}\n");
  const RunConfig config = load(file).config;
  EXPECT_EQ(config.run.seed, 7);
  EXPECT_EQ(config.run.gemm, Gemm::kBlis);
  EXPECT_EQ(config.model.norm_eps, 1e-5);
  EXPECT_EQ(config.model.rope_theta, 500000);
  EXPECT_EQ(config.norm.scheme, "mix+gpas");
  EXPECT_EQ(config.norm.options, (std::map<std::string, double>{{"post_share", 0.25}}));
  EXPECT_EQ(config.norm.gpas.position, GpasPosition::kSkip);
  EXPECT_FALSE(config.norm.gpas.stop_gradient);
  EXPECT_EQ(config.norm.gpas.activation, GateActivation::kLeakyRelu);
  EXPECT_EQ(config.norm.gpas.start, -1);
  EXPECT_EQ(config.train.recompute, Recompute::kLayer);
}

TEST_F(Load, BasesMergeInOrderUnderTheFile) {
  std::filesystem::create_directory(folder_ / "model");
  write("root.yaml", "run: {seed: 1, threads: 1}\ntrain: {global_batch: 64}\n");
  write("model/small.yaml", "base: ../root.yaml\nmodel: {hidden: 128, heads: 4}\nnorm: {options: {a: 1, b: 1}}\n");
  write("fast.yaml", "run: {threads: 2}\nmodel: {heads: 2}\n");
  const std::string file = write("top.yaml",
                                 "base: [model/small.yaml, fast.yaml]\n"
                                 "norm: {options: {b: 2}}\n"
                                 "run:\n"
                                 "train: {micro_batch: 8}\n");
  const Loaded loaded = load(file);
  EXPECT_EQ(loaded.config.run.seed, 1);
  EXPECT_EQ(loaded.config.run.threads, 2);
  EXPECT_EQ(loaded.config.model.hidden, 128);
  EXPECT_EQ(loaded.config.model.heads, 2);
  EXPECT_EQ(loaded.config.norm.options, (std::map<std::string, double>{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(loaded.config.train.global_batch, 64);
  EXPECT_EQ(loaded.config.train.micro_batch, 8);
  EXPECT_EQ(loaded.origins.place_of("model.hidden"), (folder_ / "model/small.yaml").string() + ":2");
}

// Two files may share a base; only a file that leads back to itself is a cycle.
TEST_F(Load, ASharedBaseIsNoCycle) {
  write("root.yaml", "run: {seed: 1}\n");
  write("a.yaml", "base: root.yaml\n");
  write("b.yaml", "base: root.yaml\n");
  EXPECT_EQ(load(write("top.yaml", "base: [a.yaml, b.yaml]\n")).config.run.seed, 1);
}

TEST_F(Load, TheLastOverrideWins) {
  const std::string file = write("x.yaml", "train: {micro_batch: 4}\n");
  const Loaded loaded = load(file, {"train.micro_batch=8", "norm.options={share: 0.5}", "norm.scheme=a=b",
                                    "norm.options.depth=3", "train.micro_batch=16"});
  EXPECT_EQ(loaded.config.train.micro_batch, 16);
  EXPECT_EQ(loaded.config.norm.scheme, "a=b");
  EXPECT_EQ(loaded.config.norm.options, (std::map<std::string, double>{{"depth", 3}, {"share", 0.5}}));
  EXPECT_EQ(loaded.origins.place_of("train.micro_batch"), "override \"train.micro_batch=16\"");
}

// What YAML would take for maps.
TEST_F(Load, BracesOfRangesAndOfTextsAreText) {
  const std::vector<std::string> files{"a-{0..2}.json", "b-{00..10}.json"};
  const std::string file =
      write("x.yaml", "data:\n  train: [a-{0..2}.json, \"b-{00..10}.json\"]\n  validation: a-{0..2}.json\n");
  EXPECT_EQ(load(file).config.data.train.files, files);
  EXPECT_EQ(load(file).config.data.validation, std::vector<std::string>{files[0]});
  EXPECT_EQ(load(file, {"data.train=[b-{00..10}.json]"}).config.data.train.files, std::vector<std::string>{files[1]});
  EXPECT_EQ(load(file, {"sft.template={instruction} {output}"}).config.sft.prompt_template, "{instruction} {output}");
  EXPECT_EQ(load(file, {"sft.template={instruction}"}).config.sft.prompt_template, "{instruction}");
  EXPECT_EQ(load(file, {"sft.template='{instruction}'"}).config.sft.prompt_template, "{instruction}");
  EXPECT_THROW(load(file, {"train.steps={a} {b}"}), UsageError);
}

// The shell has quoted it.
TEST_F(Load, OverridesOfTextsAreTakenAsTheyAre) {
  const std::string file = write("x.yaml", "");
  for (const char* text : {"runs/exp #2", "&x y", "!x y", "%x", "a: b", "- a", "*", "null", "{a}/b", "a, b"}) {
    EXPECT_EQ(load(file, {str("run.dir=", text)}).config.run.dir, text);
    EXPECT_EQ(load(file, {str("data.train=", text)}).config.data.train.files, std::vector<std::string>{text});
  }
  EXPECT_EQ(load(file, {"run.dir=\"a\\tb\""}).config.run.dir, "a\tb");
  EXPECT_THAT(load(file, {"data.train=[a, 'b, c']"}).config.data.train.files, testing::ElementsAre("a", "b, c"));
  for (const char* other : {"train.steps=&x 4", "train.steps=!x 4", "norm.options=&x {a: 1}"}) {
    EXPECT_THROW(load(file, {other}), UsageError) << other;
  }
}

TEST_F(Load, ALeadingTildeIsTheHomeFolder) {
  const std::string home = std::getenv("HOME");
  const RunConfig config =
      load(write("x.yaml", "data: {train: [~/a, b~/c], cache: ~/cache}\nrun: {dir: ~/runs/x}\n")).config;
  EXPECT_EQ(config.run.dir, home + "/runs/x");
  EXPECT_EQ(config.data.cache, home + "/cache");
  EXPECT_THAT(config.data.train.files, testing::ElementsAre(home + "/a", "b~/c"));
}

TEST_F(Load, AWordMayStandForANumber) {
  const std::string file = write("x.yaml", "telemetry: {every: auto}\n");
  EXPECT_EQ(load(file).config.telemetry.every, TelemetryConfig::kEverLess);
  EXPECT_EQ(load(file, {"telemetry.every=3"}).config.telemetry.every, 3);
  for (const char* other : {"telemetry.every=-1", "telemetry.every=often", "train.steps=auto", "model.vocab=0"}) {
    EXPECT_THROW(load(file, {other}), UsageError) << other;
  }
}

// `none` replaces the whole section, and whatever comes after it starts from that.
TEST_F(Load, ASectionMayBeNone) {
  write("base.yaml", "lisa: {layers: 2, interval: 5}\n");
  const std::string none = write("none.yaml", "base: base.yaml\nlisa: none\n");
  EXPECT_EQ(load(none).config.lisa, LisaConfig{});
  EXPECT_EQ(load((folder_ / "base.yaml").string(), {"lisa=none"}).config.lisa, LisaConfig{});
  EXPECT_EQ(load(none, {"lisa.layers=3"}).config.lisa, LisaConfig{.layers = 3});
  EXPECT_EQ(load(none, {"lisa={layers: 3, states: drop}", "lisa=none"}).config.lisa, LisaConfig{});
  EXPECT_EQ(load(write("map.yaml", "base: none.yaml\nlisa: {layers: 1}\n")).config.lisa, LisaConfig{.layers = 1});
  EXPECT_EQ(load(write("blank.yaml", "base: base.yaml\nlisa:\n")).config.lisa,
            (LisaConfig{.layers = 2, .interval = 5}));
}

// What higher layers reject is reported with the same precision as what the loader rejects.
TEST_F(Load, OriginsLocateComplaintsOfHigherLayers) {
  const std::string file = write("x.yaml", "norm:\n  init: default\n  scheme: sandwhich\n");
  const Origins origins = load(file, {"run.threads=3"}).origins;
  EXPECT_STREQ(origins.locate(KeyError("norm.scheme", "unknown scheme \"sandwhich\"")).what(),
               (file + ":3: norm.scheme: unknown scheme \"sandwhich\"").c_str());
  EXPECT_EQ(origins.place_of("run.threads"), "override \"run.threads=3\"");
  EXPECT_EQ(origins.place_of("norm.gpas.start"), file + ":1");
  EXPECT_EQ(origins.place_of("train.loss_chunk"), file);
  EXPECT_TRUE(origins.given("norm.scheme"));
  EXPECT_FALSE(origins.given("norm.gpas.start"));
}

// A model folder's config.yaml holds only these two sections.
TEST_F(Load, ReadsAModelFoldersConfig) {
  RunConfig config;
  config.model.layers = 3;
  config.norm.scheme = "lns+gpas";
  EXPECT_EQ(load(write("config.yaml", to_yaml(config, {"model", "norm"}))).config, config);
}

struct Shape {
  const char* name;
  int64_t hidden, intermediate, layers, heads, head_dim;
};

class ShippedModel : public testing::TestWithParam<Shape> {};

TEST_P(ShippedModel, HasTheShapeOfThePaper) {
  const Shape& shape = GetParam();
  const auto file = test::source_folder() / "configs/model" / (std::string(shape.name) + ".yaml");
  RunConfig expected;
  expected.model = {.vocab = 32000,
                    .hidden = shape.hidden,
                    .intermediate = shape.intermediate,
                    .layers = shape.layers,
                    .heads = shape.heads,
                    .norm_eps = 1e-6,
                    .rope_theta = 1e4};
  EXPECT_EQ(load(file).config, expected);
  EXPECT_EQ(expected.model.head_dim(), shape.head_dim);
}

INSTANTIATE_TEST_SUITE_P(All, ShippedModel,
                         testing::Values(Shape{"9m", 128, 352, 4, 4, 32}, Shape{"71m", 512, 1368, 12, 8, 64},
                                         Shape{"130m", 768, 2048, 12, 12, 64}, Shape{"250m", 768, 2560, 24, 16, 48},
                                         Shape{"350m", 1024, 2736, 24, 16, 64}, Shape{"1b", 2048, 5461, 24, 32, 64},
                                         Shape{"7b", 4096, 11008, 32, 32, 128}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace strata::config
