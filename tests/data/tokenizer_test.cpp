#include "strata/data/tokenizer.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

namespace strata::data {
namespace {

using test::TempFolder;
using test::write_file;

Tokenizer t5() { return Tokenizer(test::test_data() / "t5/spiece.model"); }

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Tokenizer, EqualsTheGoldenIds) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer = t5();
  std::ifstream file(test::test_data() / "golden/t5_ids.json");
  const auto cases = nlohmann::json::parse(file);
  int compared = 0;
  for (const auto& golden : cases) {
    if (golden.contains("note") && !golden["note"].is_null()) continue;  // added tokens of Hugging Face's tokenizer, which are no text there
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
  EXPECT_THAT(error_of([&] { Tokenizer(folder / "none.model"); }), testing::HasSubstr("none.model: cannot open the tokenizer"));
  write_file(folder / "empty.model", "");
  EXPECT_THAT(error_of([&] { Tokenizer(folder / "empty.model"); }), testing::HasSubstr("not a sentencepiece model"));
  write_file(folder / "page.model", "<html>404</html>");
  EXPECT_THAT(error_of([&] { Tokenizer(folder / "page.model"); }), testing::HasSubstr("not a sentencepiece model"));
  EXPECT_THAT(error_of([&] { Tokenizer{folder.path()}; }), testing::HasSubstr("is a folder"));
}

TEST(Tokenizer, ACutModelIsRefused) {
  STRATA_NEEDS_TEST_DATA();
  TempFolder folder;
  const std::string whole = test::read_file(test::test_data() / "t5/spiece.model");
  write_file(folder / "cut.model", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error_of([&] { Tokenizer(folder / "cut.model"); }), testing::HasSubstr("cut.model: not a sentencepiece model"));
}

}  // namespace
}  // namespace strata::data
