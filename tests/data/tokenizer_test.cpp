#include "strata/data/tokenizer.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "support/data_fixtures.h"
#include "support/test_data.h"

namespace strata::data {
namespace {

using strata::test::TempFolder;
using strata::test::write_file;
using test::error_of;

Tokenizer t5() { return Tokenizer(strata::test::test_data() / "t5/spiece.model"); }

TEST(Tokenizer, EqualsTheGoldenIds) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer = t5();
  std::ifstream file(strata::test::test_data() / "golden/t5_ids.json");
  const auto cases = nlohmann::json::parse(file);
  int compared = 0;
  for (const auto& golden : cases) {
    if (!golden["spm_0_1_97_matches"].get<bool>()) continue;  // Hugging Face's added tokens, and one trailing space
    const auto text = golden["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode_document(text), golden["ids_with_eos"].get<std::vector<int32_t>>()) << text;
    ++compared;
  }
  EXPECT_GE(compared, 40);
}

// libtorch and Debian's sentencepiece both carry protobuf.
TEST(Tokenizer, LoadsAfterTensorOperations) {
  STRATA_NEEDS_TEST_DATA();
  EXPECT_EQ(at::mm(at::ones({64, 64}), at::ones({64, 64})).sum().item<float>(), 64.0F * 64 * 64);
  EXPECT_EQ(t5().vocab_size(), 32000);
}

// A web page that shows markup must not end the document or be padding.
TEST(Tokenizer, MarkupInTextStaysText) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer = t5();
  for (const std::string text : {"</s>", "<pad>", "a </s> b", "<unk><pad></s><s>", "<extra_id_0>"}) {
    const auto ids = tokenizer.encode(text);
    EXPECT_THAT(ids, testing::Not(testing::Contains(testing::AnyOf(Tokenizer::kPad, Tokenizer::kEos)))) << text;
  }
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a /s b")), "a /s b");
}

TEST(Tokenizer, DecodesWhatItEncoded) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer = t5();
  const std::string text = "The quick brown fox jumps over 13 lazy dogs.";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode_document(text)), text);
  EXPECT_EQ(tokenizer.encode_document(""), std::vector<int32_t>{Tokenizer::kEos});
  const std::vector<int32_t> outside{5, 32000};
  EXPECT_THAT(error_of([&] { tokenizer.decode(outside); }), testing::HasSubstr("cannot decode id 32000"));
}

TEST(Tokenizer, BrokenModelsAreNamed) {
  TempFolder folder;
  EXPECT_THAT(error_of([&] { Tokenizer(folder / "none.model"); }), testing::HasSubstr("none.model"));
  write_file(folder / "empty.model", "");
  EXPECT_THAT(error_of([&] { Tokenizer(folder / "empty.model"); }), testing::HasSubstr("not a sentencepiece model"));
  write_file(folder / "page.model", "<html>404</html>");
  EXPECT_THAT(error_of([&] { Tokenizer(folder / "page.model"); }), testing::HasSubstr("not a sentencepiece model"));
  EXPECT_THAT(error_of([&] { Tokenizer{folder.path()}; }), testing::HasSubstr(folder.path().string()));
}

TEST(Tokenizer, ACutModelIsRefused) {
  STRATA_NEEDS_TEST_DATA();
  TempFolder folder;
  const std::string whole = strata::test::read_file(strata::test::test_data() / "t5/spiece.model");
  write_file(folder / "cut.model", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error_of([&] { Tokenizer(folder / "cut.model"); }),
              testing::HasSubstr("cut.model: not a sentencepiece model"));
}

TextStream made_up_texts(int count) {
  return [next = 0, count](std::string& text) mutable {
    text = test::made_up_text(next, 900);
    return next++ < count;
  };
}

TEST(Tokenizer, TrainsAModelWithT5sIds) {
  TempFolder folder;
  train_tokenizer(made_up_texts(30), 120, folder / "a.model");
  const Tokenizer tokenizer(folder / "a.model");
  EXPECT_EQ(tokenizer.vocab_size(), 120);
  const std::string text = "bado fegi kulo";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode_document(text)), text);
  EXPECT_THAT(tokenizer.encode(text), testing::Not(testing::Contains(Tokenizer::kUnknown)));

  train_tokenizer(made_up_texts(30), 120, folder / "again.model");
  EXPECT_EQ(Tokenizer(folder / "again.model").fingerprint(), tokenizer.fingerprint());
}

TEST(Tokenizer, TrainingSaysWhatItLacks) {
  TempFolder folder;
  EXPECT_THAT(error_of([&] { train_tokenizer(made_up_texts(0), 120, folder / "a.model"); }),
              testing::HasSubstr("has no text"));
  EXPECT_THAT(error_of([&] { train_tokenizer(made_up_texts(1), 30'000, folder / "a.model"); }),
              testing::HasSubstr("cannot train a tokenizer of 30000 pieces"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.model"));
}

}  // namespace
}  // namespace strata::data
