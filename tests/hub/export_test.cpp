// Exports read back by Strata itself, and what they are made of. That transformers reads them: transformers_test.py.
#include "strata/hub/export.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/full.h>

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/io/file.h"
#include "strata/io/json.h"
#include "strata/nn/model_folder.h"
#include "strata/norm/make.h"
#include "support/data_fixtures.h"
#include "support/golden.h"
#include "support/model_folders.h"
#include "support/models.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

namespace strata::hub {
namespace {

using nlohmann::json;
using test::GoldenScheme;
using test::largest_difference;
using test::logits_of;
using test::TempFolder;
using testing::HasSubstr;
using testing::ThrowsMessage;

Exported exported(const std::filesystem::path& model, const std::filesystem::path& folder,
                  const ExportOptions& options = {}) {
  std::filesystem::create_directories(folder);
  return export_model(open_model_folder(model), options, folder);
}

struct FoldedScheme {
  GoldenScheme scheme;
  double product = 1.0;  // of all gate factors, and the bound for the logits: tests/golden/model/README.md
  double bound = 1e-5;
};

class GoldenExport : public testing::TestWithParam<FoldedScheme> {};

TEST_P(GoldenExport, GivesThePapersLogitsAsAStockModel) {
  const TempFolder folder;
  test::write_golden_folder(GetParam().scheme, folder / "ours");
  const Exported result = exported(folder / "ours", folder / "hf");
  EXPECT_EQ(result.folding.obstacle, "");
  EXPECT_NEAR(result.folding.stream, GetParam().product, 5e-5);
  const auto golden =
      io::SafetensorsFile::open(test::golden_model() / "scheme" / (GetParam().scheme.theirs + ".safetensors"));
  EXPECT_LT(largest_difference(logits_of(folder / "hf", golden.tensor("input_ids")), golden.tensor("logits")),
            GetParam().bound);
}

INSTANTIATE_TEST_SUITE_P(Schemes, GoldenExport,
                         testing::Values(FoldedScheme{{"pre", "pre"}}, FoldedScheme{{"lns", "lns"}},
                                         FoldedScheme{{"scale_pre", "scaled_init"}},
                                         FoldedScheme{{"pre_gpas", "pre+gpas"}, 0.2415, 3e-5},
                                         FoldedScheme{{"lns_gpas", "lns+gpas"}, 0.2470, 9e-5}),
                         [](const auto& info) { return info.param.scheme.theirs; });

// A model of ours on disk, every gate and gain somewhere, eps small enough not to be what differs.
std::filesystem::path write_random(const config::NormConfig& norm, const std::filesystem::path& folder) {
  config::RunConfig config;
  config.model = test::tiny_dims();
  config.model.norm_eps = 1e-12;
  config.norm = norm;
  test::TestModel made(nn::describe(config.model, config.norm), test::tiny_options());
  test::randomise(made.model.parameters(), 5);
  nn::save_model_folder(config, made.model.parameters(), folder);
  return folder;
}

at::Tensor some_ids() {
  at::Tensor ids = at::full({2, 30}, 0, at::kLong);
  for (int64_t i = 0; i < ids.numel(); ++i) ids.view(-1)[i].fill_(i * 7919 % 61);
  return ids;
}

// Whatever scales the stream, a branch or what a branch reads: every place and activation of gates, one for both
// sub-layers or two, over every scheme.
TEST(Folding, KeepsTheLogitsOfEveryModelThatItFolds) {
  const TempFolder folder;
  int folded = 0, not_folded = 0;
  for (const std::string& scheme : norm::all_scheme_names()) {
    for (const auto position :
         {config::GpasPosition::kAuto, config::GpasPosition::kSum, config::GpasPosition::kSkip,
          config::GpasPosition::kBranch, config::GpasPosition::kNorm, config::GpasPosition::kInput}) {
      const bool is_even = static_cast<int>(position) % 2 == 0;
      config::NormConfig norm;
      norm.scheme = scheme;
      norm.gpas.position = position;
      norm.gpas.per = is_even ? config::GpasPer::kSublayer : config::GpasPer::kLayer;
      norm.gpas.activation = is_even ? GateActivation::kTanh : GateActivation::kSilu;
      const std::string name = scheme + std::to_string(static_cast<int>(position));
      try {
        nn::describe(test::tiny_dims(), norm);
      } catch (const config::KeyError&) {
        continue;  // no place for a gate there
      }
      const auto model = write_random(norm, folder / name);
      const Exported result = exported(model, folder / (name + "_hf"));
      result.folding.obstacle.empty() ? ++folded : ++not_folded;
      if (!result.folding.obstacle.empty()) continue;
      const at::Tensor before = logits_of(model, some_ids());
      const double scale = before.abs().max().item<double>();
      EXPECT_LT(largest_difference(logits_of(folder / (name + "_hf"), some_ids()), before), 1e-5 * scale) << name;
    }
  }
  EXPECT_GE(folded, 30);
  EXPECT_GE(not_folded, 30);
}

// x <- 1.5 x + f(N x), which no scheme of ours is.
class Growing final : public norm::Scheme {
 public:
  norm::Sublayer sublayer(const norm::Site&) const override {
    return {.input_norm = norm::Norm::kRms, .skip_scale = 1.5};
  }
};

// Of some rows; in another update than the folder's where one is given.
at::Tensor logits_of(const ModelFolder& folder, std::optional<int64_t> update = {}) {
  test::TestModel test(folder.spec, test::tiny_options());
  nn::load_parameters(test.model.parameters(), folder.weights);
  if (update) test.model.set_update(*update);
  return test.model.logits_NV(test::tiny_batch(61)).clone();
}

TEST(Folding, TakesAScaledSkipToo) {
  const TempFolder folder;
  ModelFolder model = open_model_folder(write_random({}, folder / "ours"));
  model.spec = nn::describe(model.config.model, Growing());
  std::filesystem::create_directories(folder / "hf");
  EXPECT_NEAR(export_model(model, {}, folder / "hf").folding.stream, std::pow(1.5, 8), 1e-9);
  EXPECT_LT(largest_difference(logits_of(model), logits_of(open_model_folder(folder / "hf"))), 1e-4);
}

TEST(Folding, TakesBranchesThatAreOnTheirWayInAsTheyAre) {
  const TempFolder folder;
  config::NormConfig norm;
  norm.scheme = "pre+prores";
  norm.prores.warmup_steps = 8;
  ModelFolder model = open_model_folder(write_random(norm, folder / "ours"));
  model.spec.update = 3;  // of a checkpoint
  std::filesystem::create_directories(folder / "hf");
  EXPECT_EQ(export_model(model, {}, folder / "hf").folding.obstacle, "");
  const at::Tensor logits = logits_of(model);
  EXPECT_LT(largest_difference(logits, logits_of(open_model_folder(folder / "hf"))), 1e-4);
  EXPECT_GT(largest_difference(logits, logits_of(model, norm::kEndOfRamps)), 1e-2);
}

TEST(Folding, IsNoneOfAGateThatTurnsTheStreamAround) {
  const TempFolder folder;
  config::NormConfig norm;
  norm.scheme = "pre+gpas";
  write_random(norm, folder / "ours");
  ModelFolder model = open_model_folder(folder / "ours");
  io::NamedTensors weights;
  for (const std::string& name : model.weights.names()) {
    const bool is_gate = name == "model.layers.2.gpas_block.gate";
    weights.emplace_back(name, is_gate ? at::full({}, 1.5) : model.weights.tensor(name).clone());
  }
  io::write_safetensors(folder / "ours/model.safetensors", weights);
  const Exported result = exported(folder / "ours", folder / "hf");
  EXPECT_THAT(result.folding.obstacle, HasSubstr("model.layers.2.gpas_block.gate scales the stream to -"));
  EXPECT_TRUE(std::filesystem::exists(folder / "hf/modeling_strata.py"));
}

TEST(Export, HasTheKeysOfOldAndNewTransformers) {
  const TempFolder folder;
  exported(write_random({}, folder / "ours"), folder / "hf", {.dtype = at::kBFloat16});
  const json config = io::read_json(folder / "hf/config.json");
  EXPECT_EQ(config["architectures"], json::array({"LlamaForCausalLM"}));
  EXPECT_EQ(config["model_type"], "llama");
  EXPECT_EQ(config["rope_theta"], 1e4);
  EXPECT_EQ(config["rope_parameters"]["rope_theta"], 1e4);
  EXPECT_EQ(config["dtype"], "bfloat16");
  EXPECT_EQ(config["torch_dtype"], "bfloat16");
  EXPECT_EQ(config["max_position_embeddings"], 2048);
  EXPECT_EQ(config["num_key_value_heads"], 2);
  EXPECT_TRUE(config["bos_token_id"].is_null());
  EXPECT_EQ(config["eos_token_id"], 1);
  EXPECT_EQ(config["pad_token_id"], 0);
  EXPECT_EQ(io::read_json(folder / "hf/generation_config.json")["eos_token_id"], 1);
  EXPECT_EQ(open_model_folder(folder / "hf").weights.info("lm_head.weight").dtype, at::kBFloat16);
}

TEST(Export, SaysTheJunctionsOfWhatIsNoStockModel) {
  const TempFolder folder;
  config::NormConfig norm;
  norm.scheme = "deepnorm+gpas";
  const Exported result = exported(write_random(norm, folder / "ours"), folder / "hf");
  EXPECT_EQ(result.folding.obstacle, "the sum after attention of layer 0 is normalised");
  const json config = io::read_json(folder / "hf/config.json");
  EXPECT_EQ(config["model_type"], "strata");
  ASSERT_EQ(config["junctions"].size(), 9);  // of four layers
  EXPECT_EQ(config["junctions"][2], (json{{"skip_scale", std::pow(8.0, 0.25)},
                                          {"branch_norm", nullptr},
                                          {"out_norm", "model.layers.0.post_feedforward_layernorm.weight"},
                                          {"next_norm", nullptr},
                                          {"next_scale", 1.0},
                                          {"gate", "model.layers.0.gpas_block.gate"},
                                          {"gate_position", "skip"}}));
}

TEST(Export, IsSplitWhereItIsLargerThanAFileMayBe) {
  const TempFolder folder;
  const auto model = write_random({}, folder / "ours");
  EXPECT_EQ(exported(model, folder / "one").files, 1);
  const Exported result = exported(model, folder / "many", {.most_shard_bytes = 40'000});
  EXPECT_GT(result.files, 3);
  for (const auto& entry : std::filesystem::directory_iterator(folder / "many")) {
    EXPECT_LT(entry.file_size(), 45'000) << entry.path();
  }
  EXPECT_TRUE(logits_of(folder / "many", some_ids()).equal(logits_of(folder / "one", some_ids())));
}

TEST(Export, RefusesWhatFp16CannotHold) {
  const TempFolder folder;
  ModelFolder model = open_model_folder(write_random({}, folder / "ours"));
  io::NamedTensors weights;
  for (const std::string& name : model.weights.names()) weights.emplace_back(name, model.weights.tensor(name).clone());
  weights.front().second.mul_(1e6);
  io::write_safetensors(folder / "ours/model.safetensors", weights);
  EXPECT_THAT([&] { exported(folder / "ours", folder / "hf", {.dtype = at::kHalf}); },
              ThrowsMessage<Error>(HasSubstr("has values that fp16 cannot hold")));
}

class Custom final : public norm::Scheme {
 public:
  norm::Sublayer sublayer(const norm::Site&) const override { return {.input_norm = norm::Norm::kRms}; }
  std::optional<norm::CustomJunction> custom(const norm::Site& site) const override {
    if (site.layer != 1 || site.branch != norm::Branch::kAttention) return std::nullopt;
    return norm::CustomJunction{
        .parameters = {},
        .function = [](const at::Tensor& x, const at::Tensor& f, const auto&) { return std::pair(x + f, x + f); }};
  }
};

TEST(Export, RefusesJunctionsThatAreFunctions) {
  const TempFolder folder;
  ModelFolder model = open_model_folder(write_random({}, folder / "ours"));
  model.spec = nn::describe(model.config.model, Custom());
  io::NamedTensors weights;
  for (const ParamSpec& param : model.spec.layout.params)
    weights.emplace_back(param.name, model.weights.tensor(param.name));
  io::write_safetensors(folder / "custom.safetensors", weights);
  model.weights = io::TensorFiles(folder / "custom.safetensors");
  EXPECT_THAT([&] { export_model(model, {}, folder / "hf"); },
              ThrowsMessage<Error>(HasSubstr("brings junctions of its own")));
}

// Not byte by byte: transformers' own lacks the key by which older versions of the tokenizers library say the same.
TEST(Export, WritesTheTokenizerThatTransformersWrites) {
  STRATA_NEEDS_TEST_DATA();
  const TempFolder folder;
  config::ModelConfig dims;
  dims.max_positions = 512;
  write_tokenizer(test::test_data() / "t5/spiece.model", dims, folder.path());
  json ours = io::read_json(folder / "tokenizer.json");
  const json theirs = io::read_json(test::test_data() / "golden/lmeval/tiny_llama/tokenizer.json");
  ours["decoder"].erase("add_prefix_space");
  ours["pre_tokenizer"]["pretokenizers"][1].erase("add_prefix_space");
  for (const char* key : {"added_tokens", "decoder", "model", "normalizer", "post_processor", "pre_tokenizer"}) {
    EXPECT_TRUE(ours[key] == theirs[key]) << key;
  }
  EXPECT_EQ(ours.size(), theirs.size());
  EXPECT_EQ(io::read_json(folder / "tokenizer_config.json")["model_max_length"], 512);
}

// A model of T5's kind with settings behind it: in a protocol buffer the last one counts.
std::filesystem::path changed_model(const TempFolder& folder, std::string_view change) {
  std::string bytes = io::read_text(data::test::small_model());
  test::write_file(folder / "changed.model", bytes.append(change));
  return folder / "changed.model";
}

constexpr std::string_view kBpe = "\x12\x02\x18\x02", kWord = "\x12\x02\x18\x03";

TEST(Export, SaysAnotherSentencepieceModelAsTokenizerJson) {
  using namespace std::string_view_literals;
  const TempFolder folder;
  write_tokenizer(changed_model(folder, str(kBpe, "\x1a\x02\x20\x00"sv)), {}, folder.path());  // which keeps spaces
  const json said = io::read_json(folder / "tokenizer.json");
  EXPECT_EQ(said["pre_tokenizer"], json());
  EXPECT_EQ(said["normalizer"]["normalizers"][0]["type"], "Precompiled");
  EXPECT_EQ(said["normalizer"]["normalizers"][1]["type"], "Prepend");
  EXPECT_EQ(said["decoder"]["decoders"][3]["type"], "Strip");
  const json& model = said["model"];
  EXPECT_EQ(model["type"], "BPE");
  ASSERT_GT(model["merges"].size(), 10);
  for (const json& merge : model["merges"]) {
    for (const std::string& piece : {merge[0].get<std::string>(), merge[1].get<std::string>()})
      EXPECT_TRUE(model["vocab"].contains(piece)) << piece;
    EXPECT_TRUE(model["vocab"].contains(merge[0].get<std::string>() + merge[1].get<std::string>())) << merge;
  }
  const json settings = io::read_json(folder / "tokenizer_config.json");
  EXPECT_EQ(settings["tokenizer_class"], "PreTrainedTokenizerFast");
  EXPECT_EQ(settings["add_eos_token"], true);
  EXPECT_TRUE(std::filesystem::exists(folder / "tokenizer.model"));
}

TEST(Export, RefusesASentencepieceModelThatNoTokenizerJsonSays) {
  using namespace std::string_view_literals;
  const TempFolder folder;
  const auto refusal = [&](std::string_view change) {
    return data::test::error_of([&] { write_tokenizer(changed_model(folder, change), {}, folder.path()); });
  };
  EXPECT_THAT(refusal(kWord), HasSubstr("is neither unigram nor BPE (its type is 3)"));
  EXPECT_THAT(refusal("\x0a\x05\x0a\x01%\x18\x04"sv), HasSubstr("the piece \"%\" is defined by its makers"));
  EXPECT_THAT(refusal("\x0a\x05\x0a\x01%\x18\x05"sv), HasSubstr("the piece \"%\" is left unused by its makers"));
  EXPECT_THAT(refusal("\x1a\x02\x28\x00"sv), HasSubstr("treats spaces in a way"));  // as they are
  EXPECT_FALSE(std::filesystem::exists(folder / "tokenizer.json"));
}

TEST(Export, RefusesAFileThatIsNoTokenizer) {
  const TempFolder folder;
  test::write_file(folder / "spiece.model", "\x0a\x05hello");
  EXPECT_THAT([&] { write_tokenizer(folder / "spiece.model", {}, folder.path()); },
              ThrowsMessage<Error>(HasSubstr("not a sentencepiece model")));
}

}  // namespace
}  // namespace strata::hub
