// data.train in both its forms: read, refused with key and line, and printed as it came.
#include "strata/config/train_files.h"

#include "strata/config/load.h"
#include "strata/config/print.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace strata::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class TrainFilesKey : public testing::Test {
 protected:
  TrainFiles read(const std::string& yaml) const {
    test::write_file(folder_ / "c.yaml", yaml);
    return load(folder_ / "c.yaml").config.data.train;
  }

  TrainFiles overridden(const std::string& value) const {
    test::write_file(folder_ / "c.yaml", "data: {train: x}\n");
    return load(folder_ / "c.yaml", {"data.train=" + value}).config.data.train;
  }

  std::string refusal(const std::string& yaml) const {
    return test::error_of([&] { read(yaml); });
  }

  const test::TempFolder folder_;
};

TEST_F(TrainFilesKey, TakesBothForms) {
  EXPECT_EQ(read("data: {train: a.jsonl}\n"), (TrainFiles{.files = {"a.jsonl"}}));
  EXPECT_EQ(read("data: {train: [a.jsonl, \"b c\"]}\n"), (TrainFiles{.files = {"a.jsonl", "b c"}}));
  EXPECT_EQ(read("data: {train: []}\n"), TrainFiles{});
  const TrainFiles expected{.files = {},
                            .mixture = {{.files = {"a.jsonl"}, .weight = 0.7}, {.files = {"b", "c-{00..10}.jsonl"}}}};
  EXPECT_EQ(read("data:\n  train:\n    - files: a.jsonl\n      weight: 0.7\n    - files: [b, c-{00..10}.jsonl]\n"),
            expected);
  EXPECT_EQ(overridden("[{files: a.jsonl, weight: 0.7}, {files: [b, c-{00..10}.jsonl]}]"), expected);
  EXPECT_EQ(overridden("{00..10}.jsonl"), (TrainFiles{.files = {"{00..10}.jsonl"}}));
}

TEST_F(TrainFilesKey, PrintsTheFormThatItHas) {
  RunConfig config;
  config.data.train = {.files = {"a", "b"}};
  EXPECT_THAT(to_yaml(config), HasSubstr("\n  train: [a, b]\n"));
  config.data.train = {.files = {},
                       .mixture = {{.files = {"a: b", "{0..3}.txt"}, .weight = 1.0 / 3.0}, {.files = {"~x"}}}};
  EXPECT_EQ(read(to_yaml(config)), config.data.train);
  config.data.train.mixture[0] = {.files = {"a"}, .weight = 0.7};
  EXPECT_THAT(to_yaml(config), HasSubstr("\n  train: [{files: [a], weight: 0.7}, {files: [~x], weight: 1}]\n"));
}

TEST_F(TrainFilesKey, NamesWhatIsWrong) {
  const auto of = [&](const std::string& second) {
    return refusal("data:\n  train:\n    - {files: a, weight: 2}\n    - " + second + "\n");
  };
  const std::string fourth = (folder_ / "c.yaml:4: data.train[1]").string();
  EXPECT_THAT(of("{files: b, weight: 0}"),
              AllOf(StartsWith(fourth + ".weight: must be greater than 0"), HasSubstr("got 0")));
  EXPECT_THAT(of("{files: b, weight: -1}"), StartsWith(fourth + ".weight: must be greater than 0, got -1"));
  EXPECT_THAT(of("{files: b, weight: nan}"), StartsWith(fourth + ".weight: expected number, got nan"));
  EXPECT_THAT(of("{files: b, weight: .inf}"), StartsWith(fourth + ".weight: expected number, got .inf"));
  EXPECT_THAT(of("{files: b, weight: much}"), StartsWith(fourth + ".weight: expected number, got much"));
  EXPECT_THAT(of("{files: b, weight: \"1\"}"), StartsWith(fourth + ".weight: expected number"));
  EXPECT_THAT(of("{files: b, weight: 1e16}"), StartsWith(fourth + ".weight: must be at most"));
  EXPECT_THAT(of("{files: b, weight: 1e-12}"), StartsWith(fourth + ".weight: is too small beside the others"));
  EXPECT_THAT(of("{files: b, weight: }"), StartsWith(fourth + ".weight: expected number, got null"));
  EXPECT_THAT(of("{files: b, weigth: 1}"),
              StartsWith(fourth + ".weigth: unknown key; did you mean \"weight\"? (known: files weight)"));
  EXPECT_THAT(of("{weight: 1}"), StartsWith(fourth + ": has no files, got {weight: 1}"));
  EXPECT_THAT(of("{}"), StartsWith(fourth + ": has no files"));
  EXPECT_THAT(of("{files: []}"), StartsWith(fourth + ".files: names no file"));
  EXPECT_THAT(of("{files: [b, [c]]}"), StartsWith(fourth + ".files: expected list of texts"));
  EXPECT_THAT(of("{files: {a: 1}}"), StartsWith(fourth + ".files: expected list of texts"));
  EXPECT_THAT(of("b.jsonl"), StartsWith(fourth + ": expected a source {files: [...], weight: 1} as in the rest"));
  EXPECT_THAT(of("[b.jsonl]"), StartsWith(fourth + ": expected a source"));
  EXPECT_THAT(refusal("data: {train: [a, {files: b}]}\n"), HasSubstr("c.yaml:1: data.train[0]: expected a source"));
  EXPECT_THAT(refusal("data: {train: {files: a}}\n"),
              HasSubstr("c.yaml:1: data.train: expected list of texts, or of sources {files: [...], weight: 1}, got"));
  EXPECT_THAT(refusal("data: {train: }\n"), HasSubstr("data.train: expected list of texts, or of sources"));
  EXPECT_THAT(test::error_of([&] { overridden("[{files: a, weight: -3}]"); }),
              StartsWith("override \"data.train=[{files: a, weight: -3}]\": data.train[0].weight: must be greater"));
}

}  // namespace
}  // namespace strata::config
