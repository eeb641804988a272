// Ids of sentencepiece models against the library's own, and what long texts cost.
#include "data/tokenizer/piece_encoder.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <chrono>
#include <random>

#include "strata/data/tokenizer.h"
#include "support/data_fixtures.h"
#include "support/test_data.h"

namespace strata::data {
namespace {

namespace sp = sentencepiece;
using strata::test::read_file;
using strata::test::TempFolder;
using strata::test::write_file;

// Both encoders of one model.
class Both {
 public:
  explicit Both(const std::string& model) : ours_(read_sentencepiece_file(model, "model"), "model") {
    EXPECT_TRUE(theirs_.LoadFromSerializedProto(model).ok());
  }

  void compare(const std::string& text) const {
    std::vector<int> ids;
    ASSERT_TRUE(theirs_.Encode(text, &ids).ok());
    EXPECT_EQ(ours_.encode(text), ids) << text;
  }

 private:
  PieceEncoder ours_;
  sp::SentencePieceProcessor theirs_;
};

// Words, marks, spaces of all kinds, and characters that no small model has.
std::string odd_text(std::mt19937_64& random) {
  static const std::vector<std::string> parts{
      "bado",   "fegi kulo", "kilo",   " ",      "  ",           "\n",         "\t",           "_",
      "__",     "a",         "aa",     ".",      "\u00e9",       "e\u0301",    "\u00a0",       "\u3000",
      "\u200b", "\u2581",    "\ufb01", "\u2460", "\u4eba\u5de5", "\U0001f600", "\u1112\u1161", "</s>",
      "<unk>",  "<sep>",     "<sep>x", "<0x41>", "\u00ad",       "\u0000x"};
  std::string text;
  for (uint64_t count = random() % 12; count > 0; --count) {
    const std::string& part = parts[random() % parts.size()];
    for (uint64_t times = random() % 8 == 0 ? random() % 60 : 1; times > 0; --times) text += part;
  }
  return text;
}

class MadeUpSentences final : public sp::SentenceIterator {
 public:
  bool done() const override { return number_ == 20; }
  void Next() override { text_ = test::made_up_text(++number_, 300); }
  const std::string& value() const override { return text_; }
  sp::util::Status status() const override { return {}; }

 private:
  int number_ = 0;
  std::string text_ = test::made_up_text(0, 300);
};

std::string trained(std::unordered_map<std::string, std::string> options) {
  MadeUpSentences texts;
  std::string model;
  options.insert({"minloglevel", "2"});
  const auto status = sp::SentencePieceTrainer::Train(options, &texts, &model);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return model;
}

std::string bpe_model() {
  return trained({{"model_type", "bpe"},
                  {"vocab_size", "420"},
                  {"byte_fallback", "true"},
                  {"split_digits", "true"},
                  {"normalization_rule_name", "identity"},
                  {"remove_extra_whitespaces", "false"},
                  {"allow_whitespace_only_pieces", "true"}});
}

// Pieces of their makers': in one another, of one character, with spaces, that normalisation would change, that words
// have in them.
constexpr const char* kDefined = "<sep>,<sep>x,a,ado,\ufb01,\u2460 ,  ,__,\u4eba,e\u0301,\n,gi k,\u2581bado";

TEST(PieceEncoder, EqualsTheLibraryForUnigramModels) {
  const Both both(read_file(test::small_model()));
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; ++i) both.compare(odd_text(random));
  both.compare(test::made_up_text(5, 3000));
}

TEST(PieceEncoder, EqualsTheLibraryForMergedPieces) {
  const Both both(bpe_model());
  std::mt19937_64 random(2);
  for (int i = 0; i < 3000; ++i) both.compare(odd_text(random));
  both.compare(test::made_up_text(5, 3000));
}

TEST(PieceEncoder, EqualsTheLibraryForPiecesThatItsMakersDefined) {
  for (const char* kind : {"unigram", "bpe"}) {
    for (const char* rules : {"nmt_nfkc", "identity"}) {
      for (const char* keeps_spaces : {"true", "false"}) {
        const std::string model =
            trained({{"model_type", kind},
                     {"vocab_size", "150"},
                     {"hard_vocab_limit", "false"},
                     {"normalization_rule_name", rules},
                     {"remove_extra_whitespaces", keeps_spaces == std::string("true") ? "false" : "true"},
                     {"user_defined_symbols", kDefined}});
        ASSERT_TRUE(PieceEncoder::knows(read_sentencepiece_file(model, "model")));
        const Both both(model);
        std::mt19937_64 random(4);
        for (int i = 0; i < 2000; ++i) both.compare(odd_text(random));
        both.compare(test::made_up_text(5, 3000));
      }
    }
  }
}

// A row of underscores can be cut in many ways that are as good as each other: fp32 decides, by all that was before.
TEST(PieceEncoder, RoundsAsTheLibraryDoes) {
  STRATA_NEEDS_TEST_DATA();
  const Both both(read_file(strata::test::test_data() / "t5/spiece.model"));
  std::string text;
  for (int i = 1; i < 120; ++i) text += "word " + std::string(static_cast<size_t>(i), i % 3 == 0 ? '-' : '_') + " the ";
  both.compare(text);
  std::mt19937_64 random(3);
  for (int i = 0; i < 500; ++i) both.compare(odd_text(random));
}

// Unknown characters in a row, which the library joins one by one: 58 s for so many of them.
TEST(PieceEncoder, TakesTimeInProportion) {
  const Tokenizer tokenizer(test::small_model());
  std::string row;
  for (int i = 0; i < 400'000; ++i) row += "\u4eba";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_LE(tokenizer.encode(row).size(), 2U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(PieceEncoder, LeavesWhatItDoesNotKnowToTheLibrary) {
  SentencepieceFile file;
  EXPECT_TRUE(PieceEncoder::knows(file));
  file.kind = SentencepieceFile::Kind::kWord;
  EXPECT_FALSE(PieceEncoder::knows(file));
  file.kind = SentencepieceFile::Kind::kBpe;
  file.pieces = {{.text = "x", .score = 0.0F, .type = SentencepieceFile::PieceType::kUserDefined}};
  EXPECT_TRUE(PieceEncoder::knows(file));
  file.pieces[0].text = "\xe4";
  EXPECT_FALSE(PieceEncoder::knows(file));
  file.pieces[0] = {.text = "x", .score = 0.0F, .type = SentencepieceFile::PieceType::kUnused};
  EXPECT_FALSE(PieceEncoder::knows(file));
  file.kind = SentencepieceFile::Kind::kUnigram;
  EXPECT_TRUE(PieceEncoder::knows(file));
}

TEST(PieceEncoder, SpecialIdsAreTheModels) {
  const TempFolder folder;
  write_file(folder / "tokenizer.model", bpe_model());
  const Tokenizer tokenizer(folder.path());  // sentencepiece's usual ids
  EXPECT_EQ(tokenizer.unknown(), 0);
  EXPECT_EQ(tokenizer.bos(), 1);
  EXPECT_EQ(tokenizer.eos(), 2);
  EXPECT_EQ(tokenizer.pad(), std::nullopt);
  EXPECT_EQ(tokenizer.encode_by_itself("bado").front(), 1);
  EXPECT_EQ(tokenizer.encode_document("bado").back(), 2);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode_document("bado \u4eba")), "bado \u4eba");
  write_file(folder / "tokenizer_config.json", R"({"add_bos_token": false, "add_eos_token": true})");
  const Tokenizer other(folder.path());
  EXPECT_NE(other.encode_document("bado").front(), 1);
  EXPECT_EQ(other.encode_by_itself("bado").back(), 2);
}

// Shards of before there were data.bos and data.eos are found again.
TEST(PieceEncoder, MarksOfT5HaveNoKey) {
  EXPECT_EQ(Tokenizer(test::small_model()).marks_key(), "");
  EXPECT_EQ(Tokenizer(test::small_model(), {.eos = config::SpecialToken::kTrue}).marks_key(), "");
  EXPECT_EQ(Tokenizer(test::small_model(), {.eos = config::SpecialToken::kFalse}).marks_key(), "marks ...");
}

}  // namespace
}  // namespace strata::data
