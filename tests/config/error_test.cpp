// Every mistake gives one line that names the place, the key and the value.
#include "strata/config/load.h"
#include "support/temp_folder.h"

namespace strata::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string complaint(const std::filesystem::path& file, const std::vector<std::string>& overrides = {}) {
  try {
    load(file, overrides);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

struct BadFile {
  const char* content;
  int line;
  const char* message;  // what follows "file:line: "
};

class BadFiles : public testing::TestWithParam<BadFile> {};

TEST_P(BadFiles, AreExplainedInOneLine) {
  const test::TempFolder folder;
  test::write_file(folder / "x.yaml", GetParam().content);
  const std::string place = str((folder / "x.yaml").string(), ":", GetParam().line, ": ");
  EXPECT_THAT(complaint(folder / "x.yaml"), AllOf(StartsWith(place + GetParam().message), Not(HasSubstr("\n"))));
}

INSTANTIATE_TEST_SUITE_P(
    Values, BadFiles,
    testing::Values(
        BadFile{"train:\n  micro_batch: 1.5\n", 2, "train.micro_batch: expected integer, got 1.5"},
        BadFile{"train:\n  micro_batch: 4e0\n", 2, "train.micro_batch: expected integer, got 4e0"},
        BadFile{"train:\n  micro_batch: '4'\n", 2, "train.micro_batch: expected integer, got \"4\""},
        BadFile{"train:\n  micro_batch: +-4\n", 2, "train.micro_batch: expected integer, got +-4"},
        BadFile{"run:\n  seed: 99999999999999999999\n", 2, "run.seed: expected integer, got 99999999999999999999"},
        BadFile{"run:\n  seed:\n", 2, "run.seed: expected integer, got null"},
        BadFile{"run:\n  seed: [1, 2]\n", 2, "run.seed: expected integer, got [1, 2]"},
        BadFile{"model:\n  norm_eps: small\n", 2, "model.norm_eps: expected number, got small"},
        BadFile{"model:\n  norm_eps: nan\n", 2, "model.norm_eps: expected number, got nan"},
        BadFile{"norm:\n  gpas:\n    learnable: yes\n", 3, "norm.gpas.learnable: expected true or false, got yes"},
        BadFile{"norm:\n  gpas:\n    learnable: 1\n", 3, "norm.gpas.learnable: expected true or false, got 1"},
        BadFile{"norm:\n  scheme: {pre: 1}\n", 2, "norm.scheme: expected text, got {pre: 1}"},
        BadFile{"norm:\n  scheme: ~\n", 2, "norm.scheme: expected text, got null"},
        BadFile{"norm:\n  options: {share: most}\n", 2,
                "norm.options: expected map from names to numbers, got {share: most}"},
        BadFile{"norm:\n  options: [1]\n", 2, "norm.options: expected map from names to numbers, got [1]"},
        BadFile{"train:\n  precision: fp33\n", 2,
                "train.precision: expected one of auto, fp32, bf16, mixed, got fp33; did you mean \"fp32\"?"},
        BadFile{"train:\n  precision: \"a\\nb\"\n", 2,
                "train.precision: expected one of auto, fp32, bf16, mixed, got \"a\\nb\""},
        BadFile{"train:\n  loss_chunk: 0\n", 2, "train.loss_chunk: must be at least 1, got 0"},
        BadFile{"data:\n  sequence_length: 1\n", 2, "data.sequence_length: must be at least 2, got 1"},
        BadFile{"norm:\n  gpas: {start: 1e39}\n", 2,
                "norm.gpas.start: must be between -3.4e38 and 3.4e38, as a float is, got 1e39"},
        BadFile{"norm:\n  options: {share: -1e39}\n", 2,
                "norm.options: must be between -3.4e38 and 3.4e38, as a float is, got {share: -1e39}"},
        BadFile{"optimizer:\n  eps: 0\n", 2, "optimizer.eps: must be at least 1e-30, got 0"},
        BadFile{"model:\n  norm_eps: 0\n", 2, "model.norm_eps: must be greater than 0, got 0"},
        BadFile{"model:\n  layers: 99999999\n", 2, "model.layers: must be between 1 and 1048576, got 99999999"}));

INSTANTIATE_TEST_SUITE_P(
    Keys, BadFiles,
    testing::Values(
        BadFile{"train:\n  micro_batc: 4\n", 2,
                "train.micro_batc: unknown key; did you mean \"micro_batch\"? (known: steps stop_after global_batch "
                "micro_batch "},
        BadFile{"# run\n\ntrai:\n  steps: 4\n", 3, "trai: unknown key; did you mean \"train\"?"},
        BadFile{"train.micro_batch: 4\n", 1, "train.micro_batch: unknown key"},
        BadFile{"norm:\n  \"a\\nb\": 4\n", 2, "norm.a\\nb: unknown key"},
        BadFile{"norm:\n  gpas: {star: 4}\n", 2, "norm.gpas.star: unknown key; did you mean \"start\"?"},
        BadFile{"run:\n  base: x.yaml\n", 2, "run.base: unknown key"},
        BadFile{"train:\n  loss_chunk: 4\n  seed: 4\n  loss_chunk: 5\n", 4, "loss_chunk: given twice, first at "},
        BadFile{"run: {seed: 1}\ntrain: {}\nrun: {seed: 2}\n", 3, "run: given twice, first at "},
        BadFile{"run:\n  ? [a]\n  : 1\n", 2, "a key must be plain text"},
        BadFile{"run:\n  ~: 1\n", 2, "a key must be plain text"},
        BadFile{"train: 4\n", 1, "train: expected keys with values (a map), got 4"},
        BadFile{"train:\n  - micro_batch: 4\n", 1, "train: expected keys with values (a map), got [{micro_batch: 4}]"},
        BadFile{"train: none\n", 1, "train: expected keys with values (a map), got none"},
        BadFile{"lisa: off\n", 1, "lisa: expected keys with values (a map) or none, got off"},
        BadFile{"lisa: [none]\n", 1, "lisa: expected keys with values (a map) or none, got [none]"},
        BadFile{"lisa: {layers: none}\n", 1, "lisa.layers: expected integer, got none"},
        BadFile{"- a\n- b\n", 1, "expected keys with values (a map), got [a, b]"}));

INSTANTIATE_TEST_SUITE_P(Yaml, BadFiles,
                         testing::Values(BadFile{"run:\n  seed: [1,\n", 3, "not valid YAML: "},
                                         BadFile{"run:\n  seed: 1\n threads: 2\n", 3, "not valid YAML: "},
                                         BadFile{"run: \"open\n", 2, "not valid YAML: "},
                                         BadFile{"run: {seed: 1}\n---\nrun: {seed: 2}\n", 2, "a second document"},
                                         BadFile{"run: &a {seed: 1}\ntrain: *a\n", 1, "an anchor (&name) cannot"},
                                         BadFile{"base: {a: b}\n", 1, "base: expected a file or a list of files, got "},
                                         BadFile{"run:\nbase: none.yaml\n", 2, "base: cannot read "},
                                         BadFile{"base: .\n", 1, "base: cannot read "}));

INSTANTIATE_TEST_SUITE_P(
    Together, BadFiles,
    testing::Values(
        BadFile{"train:\n  micro_batch: 48\n", 2,
                "train.micro_batch: 48 does not divide train.global_batch=512; 32 and 64 do"},
        BadFile{"train:\n  global_batch: 8\n", 1, "train.micro_batch: 32 does not divide train.global_batch=8; 8 does"},
        BadFile{"model:\n  heads: 7\n", 2, "model.heads: 7 does not divide model.hidden=512; 4 and 8 do"},
        BadFile{"model:\n  kv_heads: 3\n", 2, "model.kv_heads: 3 does not divide model.heads=8; 2 and 4 do"},
        BadFile{"model: {layers: 2}\nlisa: {layers: 3}\n", 2, "lisa.layers: 3 is more than the 2 of model.layers"},
        BadFile{"lisa: {layers: 2}\nparallel: {zero: 1}\n", 2,
                "parallel.zero: with lisa.layers every worker has all states: of a few layers; 0 would do"},
        BadFile{"data: {rows: packed}\nlisa: {layers: 2}\ntrain: {cuda_graph: true}\n", 3,
                "train.cuda_graph: records gradients of the same layers in every step: lisa.layers=0 would do"},
        BadFile{"model:\n  hidden: 24\n", 1, "model.heads: 8 heads of model.hidden=24 are 3 wide"}));

// A wrong indentation can turn half a file into one value.
TEST(LongValue, IsCut) {
  const test::TempFolder folder;
  test::write_file(folder / "x.yaml", "run:\n  seed: " + std::string(5000, 'x') + "\n");
  const std::string message = complaint(folder / "x.yaml");
  EXPECT_THAT(message, testing::EndsWith("got " + std::string(80, 'x') + "..."));
}

TEST(MissingFile, IsNamed) {
  const test::TempFolder folder;
  EXPECT_EQ(complaint(folder / "none.yaml"),
            "cannot read " + (folder / "none.yaml").string() + ": No such file or directory");
  EXPECT_EQ(complaint(folder.path()), "cannot read " + folder.path().string() + ": it is a folder");
}

TEST(BaseCycle, NamesTheCycle) {
  const test::TempFolder folder;
  test::write_file(folder / "top.yaml", "base: a.yaml\n");
  test::write_file(folder / "a.yaml", "run: {}\nbase: [b.yaml]\n");
  test::write_file(folder / "b.yaml", "base: ./a.yaml\n");
  const std::string a = (folder / "a.yaml").string();
  const std::string b = (folder / "b.yaml").string();
  EXPECT_EQ(complaint(folder / "top.yaml"), b + ":1: base: leads back to itself: " + a + " -> " + b + " -> " + a);
}

TEST(BaseMistake, IsPlacedInTheBase) {
  const test::TempFolder folder;
  test::write_file(folder / "a.yaml", "run:\n  seed: -1\n");
  test::write_file(folder / "top.yaml", "base: a.yaml\n");
  EXPECT_EQ(complaint(folder / "top.yaml"), (folder / "a.yaml").string() + ":2: run.seed: must be at least 0, got -1");
}

struct BadOverride {
  const char* text;
  const char* message;  // what follows `override "text": `
};

class BadOverrides : public testing::TestWithParam<BadOverride> {};

TEST_P(BadOverrides, AreExplainedInOneLine) {
  const test::TempFolder folder;
  test::write_file(folder / "x.yaml", "");
  const auto& [text, message] = GetParam();
  EXPECT_THAT(complaint(folder / "x.yaml", {"run.seed=1", text}),
              AllOf(StartsWith(str("override \"", text, "\": ", message)), Not(HasSubstr("\n"))));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadOverrides,
    testing::Values(BadOverride{"foo", "expected key.path=value"}, BadOverride{"=1", "expected key.path=value"},
                    BadOverride{"", "expected key.path=value"}, BadOverride{".seed=1", "expected key.path=value"},
                    BadOverride{"run.=1", "expected key.path=value"},
                    BadOverride{"run..seed=1", "expected key.path=value"},
                    BadOverride{"run.seed =1", "expected key.path=value"},
                    BadOverride{"run.seed=x", "run.seed: expected integer, got x"},
                    BadOverride{"run.seed=", "run.seed: expected integer, got null"},
                    BadOverride{"run.sed=1", "run.sed: unknown key; did you mean \"seed\"?"},
                    BadOverride{"run=1", "run: expected keys with values (a map), got 1"},
                    BadOverride{"run.seed.x=1", "run.seed: expected integer, got {x: 1}"},
                    BadOverride{"run.seed=[1", "a key must be plain text (or a bracket was not closed)"},
                    BadOverride{"run.seed='1", "not valid YAML: "},
                    BadOverride{"norm.options={a: 1, a: 2}", "a: given twice"},
                    BadOverride{"train.micro_batch=3", "train.micro_batch: 3 does not divide train.global_batch=512"},
                    BadOverride{"base=x.yaml", "base: unknown key"}));

}  // namespace
}  // namespace strata::config
