// `strata inspect`: its output is a config, and its numbers are the model's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "strata/base/text.h"
#include "support/golden.h"
#include "support/places.h"
#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

struct Size {
  std::string name;
  int64_t parameters;  // Pre-LN
  int64_t layers;
};

std::string shipped(const Size& size) { return source_folder() / "configs/model" / (size.name + ".yaml"); }

std::string inspect(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "inspect");
  const Finished finished = run_strata(arguments);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return finished.out;
}

// The number of parameters in the line under the config.
std::string count_in(const std::string& report) {
  std::smatch match;
  return std::regex_search(report, match, std::regex("\n# ([0-9,]+) parameters, ")) ? match[1].str() : "";
}

class InspectShipped : public testing::TestWithParam<Size> {};

TEST_P(InspectShipped, OutputIsAConfigThatInspectsTheSame) {
  const TempFolder folder;
  const std::string first = inspect({shipped(GetParam()), "norm.scheme=lns+gpas", "--parameters", "--buffers"});
  write_file(folder / "resolved.yaml", first);
  EXPECT_EQ(inspect({folder / "resolved.yaml", "--parameters", "--buffers"}), first);
}

// The published sizes; 7b would not fit into this machine's memory.
TEST_P(InspectShipped, CountsTheParameters) {
  EXPECT_EQ(count_in(inspect({shipped(GetParam())})), with_commas(GetParam().parameters));
  EXPECT_EQ(count_in(inspect({shipped(GetParam()), "norm.scheme=pre+gpas"})),
            with_commas(GetParam().parameters + GetParam().layers));
}

INSTANTIATE_TEST_SUITE_P(Sizes, InspectShipped,
                         testing::Values(Size{"9m", 8'995'968, 4}, Size{"71m", 70'578'688, 12},
                                         Size{"130m", 134'105'856, 12}, Size{"250m", 247'370'496, 24},
                                         Size{"350m", 367'969'280, 24}, Size{"1b", 1'339'082'752, 24},
                                         Size{"7b", 6'738'415'616, 32}),
                         [](const auto& info) { return info.param.name; });

TEST(Inspect, JunctionsOfEqualLayersAreOneLine) {
  const std::string mix = inspect({shipped({"71m", 0, 12}), "norm.scheme=mix+gpas"});
  EXPECT_THAT(mix, ContainsRegex("# +0 +attention, feed-forward +1 +- +post_attention_layernorm +- .*skip by"));
  EXPECT_THAT(mix, AllOf(ContainsRegex("# +1 +as layer 0\n"), ContainsRegex("# +4-10 +as layer 3\n")));
  EXPECT_THAT(mix, ContainsRegex("# +11 +feed-forward, head +1 +- +- +model.norm +1 +sum by gpas_block.gate\n"));
  const std::string lns = inspect({shipped({"71m", 0, 12}), "norm.scheme=lns"});
  EXPECT_THAT(lns, AllOf(HasSubstr("post_attention_layernorm from 0.5 "), testing::Not(HasSubstr("as layer"))));
}

// What a smaller micro-batch or recomputation saves is visible before anything is allocated.
TEST(Inspect, MemoryPlanFollowsTheConfig) {
  const auto activations = [](const std::string& override) {
    std::smatch match;
    const std::string report = inspect({shipped({"71m", 0, 12}), override});
    EXPECT_TRUE(std::regex_search(report, match, std::regex("#   activations +([0-9,]+) ")));
    return std::stod(std::regex_replace(match[1].str(), std::regex(","), ""));
  };
  const double whole = activations("train.micro_batch=32");
  EXPECT_EQ(activations("train.micro_batch=8") * 4, whole);
  EXPECT_LT(activations("train.recompute=layer") * 4, whole);
  EXPECT_LT(activations("train.precision=bf16") * 1.9, whole);
}

TEST(Inspect, ReadsModelFolders) {
  const TempFolder folder;
  write_golden_folder({"sandwich_gpas", "sandwich+gpas"}, folder / "model");
  const std::string ours = inspect({folder / "model", "--parameters"});
  EXPECT_THAT(ours, AllOf(HasSubstr("scheme: sandwich+gpas\n"), HasSubstr("tensors in fp32"),
                          ContainsRegex("model.layers.7.gpas_block.gate +\\[\\] +fp32 +1 +0\n")));
  EXPECT_EQ(ours.find("train:"), std::string::npos);
  EXPECT_THAT(inspect({golden_model() / "hf" / "gqa"}), HasSubstr("kv_heads: 2\n"));
}

// A folder whose weights belong to another scheme is found out without reading a value.
TEST(Inspect, RefusesWeightsThatDoNotFit) {
  const TempFolder folder;
  write_golden_folder({"pre", "pre+gpas"}, folder / "model");
  const Finished finished = run_strata({"inspect", folder / "model"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("model.safetensors: has no tensor model.layers.0.gpas_block.gate"));
}

TEST(Inspect, ListsEveryKey) {
  EXPECT_THAT(inspect({"--keys"}), ContainsRegex("norm.gpas.per +layer +model +one alpha"));
}

TEST(Inspect, WritesTheReferenceOfKeys) {
  EXPECT_EQ(inspect({"--keys", "--markdown"}), read_file(source_folder() / "docs/configuration.md"));
}

// Every line that a terminal of 80 columns has to show.
TEST(Inspect, ListsEveryFieldThatARunWrites) {
  const std::string fields = inspect({"--metrics"});
  EXPECT_THAT(fields, ContainsRegex("\neval.jsonl\n"));
  EXPECT_THAT(fields, HasSubstr("\n  loss   (nats a token; TensorBoard: eval/loss)\n      mean loss of all targets"));
  std::istringstream lines(fields);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns_of(line), 80U) << line;
}

TEST(Inspect, WritesTheReferenceOfFields) {
  EXPECT_THAT(read_file(source_folder() / "docs/metrics.md"), HasSubstr(inspect({"--metrics", "--markdown"})))
      << "put there what this prints: build/dev/strata inspect --metrics --markdown";
}

TEST(Inspect, WrongUsageExitsWithTwo) {
  const TempFolder folder;
  write_golden_folder({"pre", "pre"}, folder / "model");
  const std::vector<std::vector<std::string>> wrong{
      {"inspect"},
      {"inspect", folder / "absent.yaml"},
      {"inspect", shipped({"9m", 0, 4}), "train.micro_bach=8"},
      {"inspect", folder / "model", "train.micro_batch=8"},
      {"inspect", folder / "model", "--buffers"},
      {"inspect", shipped({"9m", 0, 4}), "--markdown"},
      {"inspect", "--keys", "--metrics"},
      {"bench"},
      {"bench", "step", shipped({"9m", 0, 4}), "--rows", "0"},
  };
  for (const auto& command : wrong) {
    const Finished finished = run_strata(command);
    EXPECT_EQ(finished.exit_code, 2) << testing::PrintToString(command);
    EXPECT_EQ(finished.out, "") << testing::PrintToString(command);
  }
}

}  // namespace
}  // namespace strata::test
