// Checkpoints of others as model folders of ours, and whose scheme they are.
#include "strata/hub/import.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/hub/export.h"
#include "strata/io/json.h"
#include "strata/nn/model_folder.h"
#include "support/golden.h"
#include "support/model_folders.h"
#include "support/models.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

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

// As the paper's code saves one: the weights under their names, and a config.json that does not know the scheme.
void write_papers_folder(const std::string& theirs, const std::filesystem::path& folder) {
  test::write_golden_folder({theirs, "pre"}, folder);
  std::filesystem::remove(folder / "config.yaml");
  io::write_json(folder / "config.json", {{"architectures", {"LLaMAForCausalLM"}},
                                          {"hidden_act", "silu"},
                                          {"hidden_size", 32},
                                          {"intermediate_size", 88},
                                          {"max_sequence_length", 1024},
                                          {"model_type", "llama"},
                                          {"num_attention_heads", 4},
                                          {"num_hidden_layers", 8},
                                          {"rms_norm_eps", 1e-6},
                                          {"vocab_size", 96}});
}

class Import : public testing::Test {
 protected:
  Imported imported(const ImportOptions& options = {}) {
    std::filesystem::remove_all(folder_ / "ours");
    std::filesystem::create_directories(folder_ / "ours");
    return import_model(folder_ / "theirs", options, folder_ / "ours");
  }

  void expect_refused(const ImportOptions& options, const std::string& message, const std::string& more = "") {
    EXPECT_THAT([&] { imported(options); }, ThrowsMessage<Error>(AllOf(HasSubstr(message), HasSubstr(more))));
  }

  TempFolder folder_;
};

TEST_F(Import, KeepsTheBitsOfAStockModel) {
  for (const char* variant : {"gqa", "mha"}) {
    HfModel model(variant);
    for (const bool is_sharded : {false, true}) {
      std::filesystem::remove_all(folder_ / "theirs");
      is_sharded ? model.write_sharded(folder_ / "theirs", 3) : model.write(folder_ / "theirs");
      const Imported result = imported();
      EXPECT_EQ(result.config.norm, config::NormConfig());
      EXPECT_EQ(result.config.model.max_positions, 128);
      const io::TensorFiles weights = open_weights(folder_ / "ours");
      EXPECT_EQ(weights.names().size(), model.weights.size());
      for (const auto& [name, tensor] : model.weights) EXPECT_TRUE(weights.tensor(name).equal(tensor)) << name;
      EXPECT_LT(largest_difference(logits_of(folder_ / "ours", model.input_ids), model.logits), 1e-5);
    }
  }
}

TEST_F(Import, GivesATiedModelAHeadOfItsOwn) {
  HfModel model("gqa");
  (*model.config)["tie_word_embeddings"] = true;
  model.cast(at::kBFloat16);
  model.remove("lm_head.weight");
  model.write(folder_ / "theirs");
  imported();
  const io::TensorFiles weights = open_weights(folder_ / "ours");
  EXPECT_EQ(weights.info("lm_head.weight").dtype, at::kFloat);
  EXPECT_TRUE(weights.tensor("lm_head.weight").equal(model.weight("model.embed_tokens.weight").to(at::kFloat)));
}

// Exporting and importing gives the same bytes back, where nothing had to be folded.
TEST_F(Import, TakesBackWhatWasExported) {
  for (const char* scheme : {"pre", "lns", "scaled_init"}) {
    config::RunConfig config;
    config.model = test::tiny_dims();
    config.norm.scheme = scheme;
    test::TestModel made(nn::describe(config.model, config.norm), test::tiny_options());
    test::randomise(made.model.parameters(), 3);
    nn::save_model_folder(config, made.model.parameters(), folder_ / scheme);
    std::filesystem::remove_all(folder_ / "theirs");
    std::filesystem::create_directories(folder_ / "theirs");
    export_model(open_model_folder(folder_ / scheme), {}, folder_ / "theirs");
    const Imported result = imported({.scheme = scheme});
    EXPECT_EQ(test::read_file(folder_ / "ours/model.safetensors"),
              test::read_file(folder_ / scheme / "model.safetensors"));
    EXPECT_EQ(test::read_file(folder_ / "ours/config.yaml"), test::read_file(folder_ / scheme / "config.yaml"));
  }
}

TEST_F(Import, TakesThePapersCheckpointsUnderTheSchemeThatIsNamed) {
  for (const auto& scheme : test::golden_schemes()) {
    write_papers_folder(scheme.theirs, folder_ / "theirs");
    const Imported result = imported({.scheme = scheme.ours});
    EXPECT_EQ(result.config.norm.scheme, scheme.ours);
    EXPECT_FALSE(result.is_inferred);
    const auto golden = io::SafetensorsFile::open(test::golden_model() / "scheme" / (scheme.theirs + ".safetensors"));
    EXPECT_LT(largest_difference(logits_of(folder_ / "ours", golden.tensor("input_ids")), golden.tensor("logits")),
              5e-5)
        << scheme.ours;
  }
}

TEST_F(Import, TellsTheSchemeWhereOnlyOneHasTheTensors) {
  for (const auto& [theirs, ours] : std::vector<std::pair<std::string, std::string>>{{"sandwich", "sandwich"},
                                                                                     {"sandwich_gpas", "sandwich+gpas"},
                                                                                     {"post_pre", "mix"},
                                                                                     {"post_pre_gpas", "mix+gpas"}}) {
    write_papers_folder(theirs, folder_ / "theirs");
    const Imported result = imported();
    EXPECT_EQ(result.config.norm.scheme, ours);
    EXPECT_TRUE(result.is_inferred);
    EXPECT_EQ(result.config.model.max_positions, 1024);
  }
}

TEST_F(Import, AsksWhereSeveralSchemesHaveTheTensors) {
  write_papers_folder("pre_gpas", folder_ / "theirs");
  expect_refused(
      {}, "the tensors fit completep+gpas, lns+gpas, lns_fixed+gpas, pre+gpas, scaled_init+gpas, and no file says",
      "--scheme");
  write_papers_folder("post", folder_ / "theirs");
  expect_refused({}, "the tensors fit deepnorm, post, and no file says");
}

TEST_F(Import, RefusesASchemeThatTheTensorsContradict) {
  write_papers_folder("sandwich_gpas", folder_ / "theirs");
  expect_refused({.scheme = "pre+gpas"}, "is not pre+gpas: ", "the tensors are those of sandwich+gpas");
  expect_refused({.scheme = "sandwich"}, "gpas_block.gate is not its", "the tensors are those of sandwich+gpas");
  expect_refused({.scheme = "sandwhich"}, "unknown scheme \"sandwhich\"; did you mean \"sandwich\"");
  write_papers_folder("post_pre", folder_ / "theirs");
  expect_refused({.scheme = "mix", .overrides = {"norm.options.post_share=0.5"}},
                 "is not mix: ", "no scheme with these options");
}

TEST_F(Import, TakesOptionsOfTheScheme) {
  write_papers_folder("post_pre", folder_ / "theirs");
  const Imported result = imported({.scheme = "mix", .overrides = {"norm.options.post_share=0.3"}});
  EXPECT_EQ(result.config.norm.options.at("post_share"), 0.3);  // of 8 layers two, as 0.25
  expect_refused({.scheme = "mix", .overrides = {"norm.options.share=0.3"}}, "share");
  expect_refused({.overrides = {"model.layers=2"}}, "model.layers=2: only norm.* and model.max_positions");
  expect_refused({.overrides = {"norm.nothing=2"}}, "norm.nothing");
}

TEST_F(Import, RefusesFoldersThatAreNone) {
  expect_refused({}, "theirs: no such folder");
  std::filesystem::create_directories(folder_ / "theirs");
  expect_refused({}, "theirs: has no config.json");
  write_papers_folder("pre", folder_ / "theirs");
  std::filesystem::remove(folder_ / "theirs/model.safetensors");
  expect_refused({}, "has no model.safetensors, no pytorch_model.bin and no index of either");
  test::write_file(folder_ / "theirs/pytorch_model.bin", "\x80\x02");
  expect_refused({}, "pytorch_model.bin");
  test::write_golden_folder({"pre", "pre"}, folder_ / "theirs");
  std::filesystem::remove(folder_ / "theirs/config.json");
  expect_refused({}, "it is a model folder of Strata's already");
}

TEST_F(Import, CopiesATokenizerWithT5sIds) {
  STRATA_NEEDS_TEST_DATA();
  HfModel model("gqa");
  model.write(folder_ / "theirs");
  std::filesystem::copy_file(test::test_data() / "t5/spiece.model", folder_ / "theirs/spiece.model");
  const Imported small = imported();
  EXPECT_EQ(small.tokenizer, "");
  EXPECT_THAT(small.no_tokenizer, HasSubstr("has 32000 ids, the model 96"));
  std::filesystem::remove_all(folder_ / "theirs");
  std::filesystem::copy(test::test_data() / "golden/lmeval/tiny_llama", folder_ / "theirs");
  std::filesystem::copy_file(test::test_data() / "t5/spiece.model", folder_ / "theirs/tokenizer.model");
  EXPECT_EQ(imported().tokenizer, "tokenizer.model");
  EXPECT_EQ(open_model_folder(folder_ / "ours").config.data.tokenizer, folder_ / "ours/spiece.model");
}

}  // namespace
}  // namespace strata::hub
