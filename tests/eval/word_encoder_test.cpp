#include "eval/word_encoder.h"

#include "support/data_fixtures.h"
#include "support/test_data.h"

namespace strata::eval {
namespace {

using data::Tokenizer;
using Ids = std::vector<int32_t>;

Ids joined(Ids a, const Ids& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Ids of T5's tokenizer.json, given by the library tokenizers 0.23.3.
TEST(EncodeWords, EqualsHuggingFace) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer(strata::test::test_data() / "t5/spiece.model");
  const std::vector<std::pair<std::string, Ids>> cases{
      {"________ is a natural outcome", {3, 834, 22319, 19, 3, 9, 793, 6138}},
      {"the ______________ by his mother", {8, 3, 22319, 22319, 57, 112, 2039}},
      {"create\xC2\x85... a team", {482, 3, 233, 3, 9, 372}},  // sentencepiece alone knows no U+0085
      {"\xC2\x85"
       "a\xC2\x85",
       {3, 9}},
      {"\n\n \xE3\x80\x80", {}}};
  std::string before;
  for (int i = 0; i < 400; ++i) before += "The quick brown fox. ";
  for (const auto& [text, ids] : cases) {
    EXPECT_EQ(encode_words(tokenizer, text), ids) << text;
    EXPECT_EQ(encode_words(tokenizer, before + text), joined(encode_words(tokenizer, before), ids)) << text;
  }
}

TEST(EncodeWords, DropsSeparatorsThatAreNoSpaces) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer(strata::test::test_data() / "t5/spiece.model");
  EXPECT_EQ(encode_words(tokenizer,
                         "the\x1F"
                         "re"),
            tokenizer.encode("there"));
}

// A model in which a piece goes on over a space: "(space)bado" made "b(space)ado".
Tokenizer tokenizer_over_spaces(const std::filesystem::path& file) {
  const std::string space = "\u2581";
  std::string model = strata::test::read_file(data::test::small_model());
  size_t place = model.find(space);
  const auto is_letter = [&](size_t i) { return 'a' <= model[i] && model[i] <= 'z'; };
  while (!(is_letter(place + 3) && is_letter(place + 4))) place = model.find(space, place + 1);
  model = model.substr(0, place) + model.substr(place + 3, 1) + space + model.substr(place + 4);
  strata::test::write_file(file, model);
  return Tokenizer(file);
}

TEST(EncodeWords, IsForTokenizersThatSplitAtSpaces) {
  EXPECT_TRUE(data::test::small_tokenizer()->splits_at_spaces());
  const strata::test::TempFolder folder;
  EXPECT_FALSE(tokenizer_over_spaces(folder / "a.model").splits_at_spaces());
  STRATA_NEEDS_TEST_DATA();
  EXPECT_TRUE(Tokenizer(strata::test::test_data() / "t5/spiece.model").splits_at_spaces());
}

}  // namespace
}  // namespace strata::eval
