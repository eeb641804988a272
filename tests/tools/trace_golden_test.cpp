// `strata trace` against what the paper's own code computes in float64: tests/golden/model/README.md.
#include <ATen/TensorOperators.h>

#include <nlohmann/json.hpp>

#include "strata/io/json.h"
#include "strata/io/safetensors.h"
#include "support/golden.h"
#include "support/model_folders.h"
#include "support/program.h"
#include "support/reference.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

std::string to_json(const at::Tensor& ids_RT) {
  nlohmann::json rows = nlohmann::json::array();
  for (int64_t row = 0; row < ids_RT.size(0); ++row) {
    const auto* ids = ids_RT[row].const_data_ptr<int64_t>();
    rows.push_back(std::vector<int64_t>(ids, ids + ids_RT.size(1)));
  }
  return rows.dump();
}

io::SafetensorsFile traced(const TempFolder& folder, const std::filesystem::path& model, const at::Tensor& ids,
                           const at::Tensor& labels, bool gradients, const std::vector<std::string>& more = {}) {
  write_file(folder / "ids.json", to_json(ids));
  std::vector<std::string> command{"trace", model, "--ids", folder / "ids.json", "--out", folder / "out.safetensors"};
  if (labels.defined()) {
    write_file(folder / "labels.json", to_json(labels));
    command.insert(command.end(), {"--labels", folder / "labels.json"});
  }
  if (gradients) command.emplace_back("--gradients");
  command.insert(command.end(), more.begin(), more.end());
  const Finished finished = run_strata(command);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return io::SafetensorsFile::open(folder / "out.safetensors");
}

struct Compared {
  int hidden = 0, gradients = 0;
};

Compared expect_equal(const io::SafetensorsFile& ours, const io::SafetensorsFile& golden) {
  EXPECT_LT(largest_difference(ours.tensor("logits"), golden.tensor("logits")), 5e-5);
  EXPECT_NEAR(ours.tensor("loss").item<float>(), golden.tensor("loss").item<float>(), 1e-5);
  int hidden = 0, gradients = 0;
  for (const std::string& name : golden.names()) {
    if (name.starts_with("hidden.")) {
      EXPECT_LT(relative_error(ours.tensor(name), golden.tensor(name)), 5e-5) << name;
      ++hidden;
    } else if (name.starts_with("grad.")) {
      const double bound = golden.tensor(name).numel() == 1 ? 2e-3 : 1e-4;
      EXPECT_LT(relative_error(ours.tensor(name), golden.tensor(name)), bound) << name;
      ++gradients;
    } else if (name.starts_with("gradsum")) {
      const at::Tensor gradient = ours.tensor("grad." + name.substr(std::string("gradsum0.").size()));
      const at::Tensor sum = gradient.sum(name[7] == '0' ? 0 : 1);
      // Over the vocabulary the head's gradients add up to nought.
      const double of = std::max(golden.tensor(name).norm().item<double>(), gradient.norm().item<double>());
      EXPECT_LE((sum - golden.tensor(name)).norm().item<double>(), 1e-4 * of) << name;
      ++gradients;
    }
  }
  return {hidden, gradients};
}

class GoldenTrace : public testing::TestWithParam<GoldenScheme> {};

TEST_P(GoldenTrace, EqualsThePapersCode) {
  const auto golden = io::SafetensorsFile::open(golden_model() / "scheme" / (GetParam().theirs + ".safetensors"));
  const TempFolder folder;
  write_golden_folder(GetParam(), folder / "model");
  const auto ours = traced(folder, folder / "model", golden.tensor("input_ids"), golden.tensor("labels"), true);
  const Compared compared = expect_equal(ours, golden);
  EXPECT_EQ(compared.hidden, 8);
  EXPECT_GT(compared.gradients, 120);  // both sums of 56 weights, and some whole
}

INSTANTIATE_TEST_SUITE_P(Schemes, GoldenTrace, testing::ValuesIn(golden_schemes()),
                         [](const auto& info) { return info.param.theirs; });

class Golden2Trace : public testing::TestWithParam<Golden2Case> {};

TEST_P(Golden2Trace, EqualsTheirCode) {
  const auto golden = io::SafetensorsFile::open(golden2() / (GetParam().file + ".safetensors"));
  const TempFolder folder;
  const auto step = write_golden2_folder(GetParam(), folder / "model");
  std::vector<std::string> more;
  if (step) more = {"--step", std::to_string(*step)};
  const auto ours = traced(folder, folder / "model", golden.tensor("input_ids"), golden.tensor("labels"), true, more);
  const Compared compared = expect_equal(ours, golden);
  EXPECT_EQ(compared.hidden, GetParam().file.ends_with(".t0") ? 0 : 6);
  EXPECT_GT(compared.gradients, 40);
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden2Trace, testing::ValuesIn(golden2_cases()), [](const auto& info) {
  std::string name = info.param.file;
  std::ranges::replace_if(
      name, [](char c) { return c == '/' || c == '.'; }, '_');
  return name;
});

struct HfCase {
  std::filesystem::path source;
  std::string config;
};

class HuggingFaceTrace : public testing::TestWithParam<HfCase> {
 protected:
  static void copy_model(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(GetParam().source / GetParam().config, folder / "config.json");
    std::filesystem::copy_file(GetParam().source / "model.safetensors", folder / "model.safetensors");
  }
};

// Stock checkpoints, multi-head and grouped-query, some with heads of their own width, in both layouts of config.json.
TEST_P(HuggingFaceTrace, EqualsTransformers) {
  const auto& source = GetParam().source;
  const auto golden = io::SafetensorsFile::open(source / "logits.safetensors");
  const TempFolder folder;
  copy_model(folder / "model");
  const auto ours = traced(folder, folder / "model", golden.tensor("input_ids"), {}, false);
  EXPECT_LT(largest_difference(ours.tensor("logits"), golden.tensor("logits")), 1e-5);
}

// Through import and export, which know it again.
TEST_P(HuggingFaceTrace, GoesInAndOut) {
  const auto& source = GetParam().source;
  const auto golden = io::SafetensorsFile::open(source / "logits.safetensors");
  const TempFolder folder;
  copy_model(folder / "theirs");
  for (const auto& [command, to] : {std::pair("import", "ours"), std::pair("export", "theirs again")}) {
    const auto from = folder / (std::string(command) == "import" ? "theirs" : "ours");
    const Finished finished = run_strata({command, from, folder / to});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }
  const nlohmann::json before = io::read_json(source / "config.json");
  const nlohmann::json after = io::read_json(folder / "theirs again/config.json");
  EXPECT_EQ(after.at("architectures"), before.at("architectures"));
  EXPECT_EQ(after.at("model_type"), before.at("model_type"));
  for (const char* model : {"ours", "theirs again"}) {
    const auto ours = traced(folder, folder / model, golden.tensor("input_ids"), {}, false);
    EXPECT_LT(largest_difference(ours.tensor("logits"), golden.tensor("logits")), 1e-5) << model;
  }
}

std::vector<HfCase> hf_cases() {
  std::vector<HfCase> cases;
  for (const auto& source : {golden_model() / "hf/gqa", golden_model() / "hf/mha", golden2() / "qknorm/hf/qwen3",
                             golden2() / "qknorm/hf/qwen3_head_dim", golden2() / "qknorm/hf/olmo2"}) {
    for (const char* config : {"config.json", "config_old.json"}) cases.push_back({source, config});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Layouts, HuggingFaceTrace, testing::ValuesIn(hf_cases()), [](const auto& info) {
  return info.param.source.filename().string() + (info.param.config == "config.json" ? "_new" : "_old");
});

}  // namespace
}  // namespace strata::test
