#include "strata/train/checkpoint/files.h"

#include <nlohmann/json.hpp>

#include "support/errors.h"

namespace strata::train {
namespace {

using nlohmann::json;
using strata::test::error_of;
using testing::HasSubstr;

CheckpointState some_state() {
  return {.progress = {.step = 7,
                       .cursor = {.seed = 42, .epoch = 1, .row = 84},
                       .tokens = 12'345,
                       .skipped = 2,
                       .spikes = {.losses = {0.1, 1.0 / 3.0}, .grad_norms = {1e-300, 2.0}}},
          .data_fingerprint = "0123456789abcdef",
          .tokenizer_fingerprint = "fedcba9876543210",
          .gemm = "blis",
          .threads = 2,
          .torch_version = "2.11.0",
          .strata_version = "0.1.0"};
}

CheckpointState state_with_lisa() {
  CheckpointState state = some_state();
  state.lisa = {.draws = 3, .layers = {0, 2}, .updates_L = {6, 0, 1}, .weights_L = {0.1, 1.0 / 3.0, 1e300}};
  return state;
}

// What is said of the state after one member was replaced.
std::string error_with(const std::string& pointer, const json& value) {
  json root = json::parse(to_json(state_with_lisa()));
  root[json::json_pointer(pointer)] = value;
  return error_of([&] { parse_state(root.dump(), "s"); });
}

TEST(CheckpointStateFile, ReadsWhatItWrote) {
  EXPECT_EQ(parse_state(to_json(some_state()), "s"), some_state());
  EXPECT_EQ(to_json(parse_state(to_json(some_state()), "s")), to_json(some_state()));
}

TEST(CheckpointStateFile, HasTheSourcesOfAMixture) {
  CheckpointState state = some_state();
  EXPECT_FALSE(json::parse(to_json(state)).at("cursor").contains("sources"));
  state.progress.cursor.sources = {{.epoch = 1, .row = 84, .credit = -300'000'000},
                                   {.epoch = 0, .row = 7, .credit = 300'000'000}};
  EXPECT_EQ(parse_state(to_json(state), "s"), state);
}

TEST(CheckpointStateFile, NamesWhatIsWrongWithSources) {
  const auto error_for = [](const json& source) { return error_with("/cursor/sources", json::array({source})); };
  const auto source_of = [](const json& row, const json& credit) {
    return json{{"epoch", 1}, {"row", row}, {"credit", credit}};
  };
  EXPECT_EQ(error_for(source_of(2, 0)), "no error");
  EXPECT_THAT(error_with("/cursor/sources", 3), HasSubstr("s: \"sources\" is not a list"));
  EXPECT_THAT(error_for(3), HasSubstr("s: not an object"));
  EXPECT_THAT(error_for(json{{"epoch", 1}, {"row", 2}}), HasSubstr("s: has no \"credit\""));
  EXPECT_THAT(error_for(source_of(-2, 0)), HasSubstr("s: \"row\" is -2, not a count"));
  for (const json& credit : {json(0.5), json("x"), json(2'000'000'000)}) {
    EXPECT_THAT(error_for(source_of(2, credit)), HasSubstr("no part of a row"));
  }
  EXPECT_THAT(error_for(source_of(2, 5)), HasSubstr("adds up to 5, not to 0"));
}

TEST(CheckpointStateFile, HasTurnsWhereLayersTakeThem) {
  EXPECT_EQ(parse_state(to_json(state_with_lisa()), "s"), state_with_lisa());
  EXPECT_FALSE(json::parse(to_json(some_state())).contains("lisa"));
  EXPECT_EQ(parse_state(to_json(some_state()), "s").lisa, std::nullopt);
}

TEST(CheckpointStateFile, NamesWhatIsWrongWithTurns) {
  EXPECT_THAT(error_with("/lisa", 3), HasSubstr("s: not an object"));
  EXPECT_THAT(error_with("/lisa", json::object()), HasSubstr("s: has no \"draws\""));
  EXPECT_THAT(error_with("/lisa/draws", -1), HasSubstr("s: \"draws\" is -1, not a count"));
  EXPECT_THAT(error_with("/lisa/layers", 1), HasSubstr("s: \"layers\" is not a list"));
  EXPECT_THAT(error_with("/lisa/layers", {0, -2}), HasSubstr("s: \"layers\" holds -2, not a count"));
  EXPECT_THAT(error_with("/lisa/layers", {0.5}), HasSubstr("s: \"layers\" holds 0.5, not a count"));
  EXPECT_THAT(error_with("/lisa/updates", {1e300}), HasSubstr("s: \"updates\" holds 1e+300, not a count"));
  EXPECT_THAT(error_with("/lisa/weights", {"heavy"}), HasSubstr("s: \"weights\" holds \"heavy\", not a number"));
}

TEST(CheckpointStateFile, NamesWhatIsWrong) {
  EXPECT_THAT(error_with("/step", -1), HasSubstr("s: \"step\" is -1, not a count"));
  EXPECT_THAT(error_with("/step", 1.5), HasSubstr("s: \"step\" is 1.5"));
  EXPECT_THAT(error_with("/step", UINT64_MAX), HasSubstr("not a count"));
  EXPECT_THAT(error_with("/cursor", 3), HasSubstr("s: not an object"));
  EXPECT_THAT(error_with("/threads", 0), HasSubstr("\"threads\" is 0"));
  EXPECT_THAT(error_with("/threads", int64_t{1} << 40), HasSubstr("\"threads\" is"));
  EXPECT_THAT(error_with("/gemm", 1), HasSubstr("\"gemm\" is not a string"));
  EXPECT_THAT(error_with("/spikes/losses", json::array({1.0, "x"})), HasSubstr("holds \"x\", not a number"));
  EXPECT_THAT(error_with("/spikes/losses", json::array()), HasSubstr("0 losses and 2 gradient norms"));
  EXPECT_THAT(error_of([] { parse_state("{}", "s"); }), HasSubstr("s: has no \"cursor\""));
  EXPECT_THAT(error_of([] { parse_state("[1", "s"); }), HasSubstr("s:1: "));
}

TEST(ManifestFile, ReadsWhatItWrote) {
  const Manifest manifest{{"a", {.bytes = 0, .xxh3 = "0000000000000000"}},
                          {"b.json", {.bytes = 5'000'000'000, .xxh3 = "00ff00ff00ff00ff"}}};
  EXPECT_EQ(parse_manifest(to_json(manifest), "m"), manifest);
}

// A name from a file is only ever the name of a file beside it.
TEST(ManifestFile, NamesWhatIsWrong) {
  const auto error_for = [](const std::string& name, const json& seal) {
    return error_of([&] { parse_manifest(json{{"files", {{name, seal}}}}.dump(), "m"); });
  };
  const json good{{"bytes", 1}, {"xxh3", "0000000000000000"}};
  EXPECT_EQ(error_for("a", good), "no error");
  for (const char* name : {"", ".", "..", "../a", "/etc/passwd", "a/b", ".hidden"}) {
    EXPECT_THAT(error_for(name, good), HasSubstr("is not the name of a file beside it")) << name;
  }
  EXPECT_THAT(error_for("a", {{"bytes", 1}, {"xxh3", "0"}}), HasSubstr("xxh3 of a is not 16 hexadecimal digits"));
  EXPECT_THAT(error_for("a", {{"xxh3", "0000000000000000"}}), HasSubstr("m: has no \"bytes\""));
  EXPECT_THAT(error_for("a", 1), HasSubstr("m: not an object"));
  EXPECT_THAT(error_of([] { parse_manifest(R"({"files": {}})", "m"); }), HasSubstr("m: names no files"));
  EXPECT_THAT(error_of([] { parse_manifest(R"([])", "m"); }), HasSubstr("m: not an object"));
}

}  // namespace
}  // namespace strata::train
