// Stock Hugging Face folders in every form they come in, and what is refused.
#include "strata/hub/model_folder.h"

#include <ATen/TensorOperators.h>

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/io/json.h"
#include "support/model_folders.h"
#include "support/temp_folder.h"

namespace strata::hub {
namespace {

using nlohmann::json;
using test::HfModel;
using test::largest_difference;
using test::logits_of;
using test::TempFolder;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kHead = "lm_head.weight";
constexpr const char* kEmbedding = "model.embed_tokens.weight";

struct Layout {
  std::string variant;
  std::string config;
};

class StockFolder : public testing::TestWithParam<Layout> {};

TEST_P(StockFolder, InSeveralFilesGivesTransformersLogits) {
  const HfModel model(GetParam().variant, GetParam().config);
  const TempFolder folder;
  for (const size_t files : {1, 2, 5}) {
    model.write_sharded(folder / std::to_string(files), files);
    const at::Tensor logits = logits_of(folder / std::to_string(files), model.input_ids);
    EXPECT_LT(largest_difference(logits, model.logits), 1e-5) << files;
  }
}

TEST_P(StockFolder, WithTiedEmbeddingsHasTheEmbeddingAsItsHead) {
  HfModel model(GetParam().variant, GetParam().config);
  const TempFolder folder;
  model.weight(kHead) = model.weight(kEmbedding);
  model.write(folder / "untied");
  (*model.config)["tie_word_embeddings"] = true;
  model.write(folder / "both");
  model.remove(kHead);
  model.write(folder / "tied");
  model.write_sharded(folder / "sharded", 3);
  const at::Tensor expected = logits_of(folder / "untied", model.input_ids);
  for (const char* name : {"both", "tied", "sharded"}) {
    EXPECT_TRUE(logits_of(folder / name, model.input_ids).equal(expected)) << name;
  }
}

// Half of the digits are gone when it is read, so the logits are those of the rounded weights, bit by bit.
TEST_P(StockFolder, InHalfPrecisionIsReadAsItIs) {
  for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf}) {
    HfModel model(GetParam().variant, GetParam().config);
    const TempFolder folder;
    model.cast(dtype);
    model.write(folder / "half");
    model.cast(at::kFloat);
    model.write(folder / "float");
    const at::Tensor logits = logits_of(folder / "half", model.input_ids);
    EXPECT_TRUE(logits.equal(logits_of(folder / "float", model.input_ids)));
    EXPECT_LT(largest_difference(logits, model.logits), 0.1);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, StockFolder,
                         testing::Values(Layout{"gqa", "config.json"}, Layout{"gqa", "config_old.json"},
                                         Layout{"mha", "config.json"}, Layout{"mha", "config_old.json"}),
                         [](const auto& info) {
                           return info.param.variant + (info.param.config == "config.json" ? "_new" : "_old");
                         });

class BadFolder : public testing::Test {
 protected:
  void expect_refused(const std::string& file, const std::string& message) const {
    EXPECT_THAT([&] { logits_of(folder_.path(), model_.input_ids); },
                ThrowsMessage<Error>(AllOf(HasSubstr(folder_ / file), HasSubstr(message))));
  }

  void expect_config_refused(const char* key, const json& value, const std::string& message) {
    const json before = *model_.config;
    (*model_.config)[key] = value;
    model_.write(folder_.path());
    *model_.config = before;
    expect_refused("config.json", message);
  }

  // Changes the index of a model in two files.
  void expect_index_refused(const json& index, const std::string& message) const {
    model_.write_sharded(folder_.path(), 2);
    io::write_json(folder_ / "model.safetensors.index.json", index);
    expect_refused("model.safetensors.index.json", message);
  }

  TempFolder folder_;
  HfModel model_{"gqa"};
};

TEST_F(BadFolder, OfWhatStrataCannotCompute) {
  expect_config_refused("model_type", "mistral", R"(model_type is "mistral", Strata computes llama, qwen3, olmo2)");
  expect_config_refused("architectures", {"LlamaForSequenceClassification"}, "architectures has \"LlamaForSeq");
  expect_config_refused("hidden_act", "gelu", R"(hidden_act is "gelu", Strata computes only "silu")");
  expect_config_refused("attention_bias", true, "attention_bias is true");
  expect_config_refused("mlp_bias", true, "mlp_bias is true");
  expect_config_refused("sliding_window", 4096, "sliding_window is 4096");
  expect_config_refused("layer_types", {"full_attention", "sliding_attention"},
                        "layer_types has \"sliding_attention\"");
  expect_config_refused("quantization_config", {{"bits", 4}}, R"(quantization_config is {"bits":4})");
  expect_config_refused("rope_scaling", {{"type", "linear"}, {"factor", 2.0}}, R"(type is "linear")");
  expect_config_refused("rope_scaling", {{"rope_type", "llama3"}}, R"(rope_type is "llama3")");
  expect_config_refused("rope_parameters", {{"rope_type", "yarn"}}, R"(rope_type is "yarn")");
  expect_config_refused("rope_parameters", {{"partial_rotary_factor", 0.5}}, "partial_rotary_factor is 0.5");
  expect_config_refused("rope_scaling", {{"factor", 8.0}}, "factor is 8.0");
  expect_config_refused("rope_theta", 5e5, "rope_theta is 500000, and 10000 in rope_parameters");
  expect_config_refused("rope_parameters", {{"full_attention", {{"rope_type", "yarn"}}}}, R"(rope_type is "yarn")");
  expect_config_refused("rope_parameters", {{"low_freq_factor", 4.0}}, "rope_parameters has low_freq_factor: 4.0");
  expect_config_refused("final_logit_softcapping", 30.0, "final_logit_softcapping is 30.0");
  expect_config_refused("head_dim", 7, "is 7; the rotary embedding needs an even width");
  expect_config_refused("head_dim", 0, "has a size of 0: head_dim");
  expect_config_refused("use_sliding_window", true, "use_sliding_window is true");
  expect_config_refused("num_attention_heads", 3, "2 does not divide model.heads=3");
  expect_config_refused("vocab_size", "many", "vocab_size is \"many\", not a whole number");
  expect_config_refused("hidden_size", int64_t{1} << 40, "has a size of 1099511627776: hidden_size");
  expect_config_refused("rms_norm_eps", 0.0, "rms_norm_eps is 0.0, not a number above 0");
  expect_config_refused("hidden_size", 0, "has a size of 0: hidden_size");
  expect_config_refused("intermediate_size", nullptr, "has no intermediate_size");
}

TEST_F(BadFolder, OfAnIndexThatIsNotRight) {
  expect_index_refused({{"metadata", 1}}, "has no weight_map");
  expect_index_refused({{"weight_map", json::object()}}, "has no weight_map");
  expect_index_refused({{"weight_map", {{kHead, "../part-0.safetensors"}}}}, "which is not a file's name");
  expect_index_refused({{"weight_map", {{kHead, 7}}}}, "is in 7, which is not a file's name");
  expect_index_refused({{"weight_map", {{kHead, "part-0.safetensors"}, {kEmbedding, "part-1.safetensors"}}}},
                       "has no such tensor");
}

TEST_F(BadFolder, OfFilesThatDoNotBelongTogether) {
  model_.write_sharded(folder_.path(), 2);
  std::filesystem::copy_file(folder_ / "part-0.safetensors", folder_ / "part-1.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  expect_refused("part-1.safetensors", "is in part-0.safetensors too");
  std::filesystem::remove(folder_ / "part-1.safetensors");
  expect_refused("part-1.safetensors", "No such file");
}

TEST_F(BadFolder, OfTensorsThatDoNotFit) {
  (*model_.config)["tie_word_embeddings"] = true;
  model_.write(folder_.path());
  expect_refused("model.safetensors", "tie_word_embeddings is true, but lm_head.weight is not");
  (*model_.config)["tie_word_embeddings"] = false;
  at::Tensor& head = model_.weight(kHead);
  const at::Tensor before = head;
  head = before.to(at::kChar);
  model_.write(folder_.path());
  expect_refused("model.safetensors", "lm_head.weight is Char, not floating-point numbers");
  model_.remove(kHead);
  model_.write(folder_.path());
  expect_refused("model.safetensors", "has no tensor lm_head.weight");
}

TEST(HfConfig, TakesPositionsFromEitherKey) {
  const HfModel model("gqa");
  const TempFolder folder;
  const auto positions = [&] {
    io::write_json(folder / "config.json", *model.config);
    return read_hf_config(folder / "config.json").model.max_positions;
  };
  EXPECT_EQ(positions(), 128);
  model.config->erase("max_position_embeddings");
  EXPECT_EQ(positions(), 2048);
  (*model.config)["max_sequence_length"] = 1024;
  EXPECT_EQ(positions(), 1024);
}

}  // namespace
}  // namespace strata::hub
