// tokenizer.json: ids of Hugging Face's library, both readings of special tokens, and what is refused.
#include <fstream>

#include "strata/base/check.h"
#include "strata/data/tokenizer.h"
#include "support/data_fixtures.h"
#include "support/json_tokenizers.h"
#include "support/test_data.h"

namespace strata::data {
namespace {

using nlohmann::json;
using strata::test::TempFolder;
using strata::test::write_file;
using test::error_of;
using testing::HasSubstr;
using testing::Not;
using Ids = std::vector<int32_t>;

constexpr int32_t kThe = 257, kSpaceThe = 258, kFourAs = 260, kEndOfText = 261;  // of tokenizer_json()

Tokenizer opened(const json& made, const DocumentMarks& marks = {}) {
  const TempFolder folder;
  write_file(folder / "tokenizer.json", made.dump());
  return Tokenizer(folder / "tokenizer.json", marks);
}

Ids bytes(std::string_view text) {
  Ids ids;
  for (const char c : text) ids.push_back(c - '!');
  return ids;
}

Ids joined(std::initializer_list<Ids> parts) {
  Ids all;
  for (const Ids& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// 40 texts of every kind, ids made by the tokenizers library and by sentencepiece.
TEST(JsonTokenizer, EqualsTheGoldenIds) {
  STRATA_NEEDS_TEST_DATA();
  const auto folder = strata::test::test_data() / "golden2/tokenizer";
  std::ifstream file(folder / "ids.json");
  const json texts = json::parse(file)["texts"];
  ASSERT_EQ(texts.size(), 40U);
  for (const std::string name : {"gpt2", "llama3", "qwen2", "llama2"}) {
    const Tokenizer tokenizer(folder / (name + (name == "llama2" ? ".model" : ".tokenizer.json")));
    EXPECT_EQ(tokenizer.vocab_size(), 2000);
    for (const json& text : texts) {
      const auto said = text["text"].get<std::string>();
      EXPECT_EQ(tokenizer.encode_marked(said), text[name].get<Ids>()) << name << " " << text["kind"];
      EXPECT_EQ(tokenizer.encode_by_itself(said), text[name + "_special"].get<Ids>()) << name << " " << text["kind"];
      const json as_text = text.value(name + "_specials_as_text", text[name]);
      EXPECT_EQ(tokenizer.encode(said), as_text.get<Ids>()) << name << " " << text["kind"];
    }
  }
}

TEST(JsonTokenizer, MergesTheEarlierPairFirst) {
  const Tokenizer tokenizer = opened(strata::test::tokenizer_json());
  EXPECT_EQ(tokenizer.vocab_size(), 262);
  EXPECT_EQ(tokenizer.encode("the the"), (Ids{kThe, kSpaceThe}));
  EXPECT_EQ(tokenizer.encode("tthe"), joined({bytes("t"), {kThe}}));
  EXPECT_EQ(tokenizer.encode("aaaaa"), joined({{kFourAs}, bytes("a")}));
  EXPECT_EQ(tokenizer.encode(""), Ids{});
  EXPECT_EQ(tokenizer.decode(tokenizer.encode_document("the \u00e9\u4eba 7")), "the \u00e9\u4eba 7");
}

// Rows that are longer than what is merged by looking through all pairs.
TEST(JsonTokenizer, MergesLongWordsAsShortOnes) {
  const Tokenizer tokenizer = opened(strata::test::tokenizer_json());
  for (const size_t length : {39, 40, 41, 42, 4001}) {
    Ids expected(length / 4, kFourAs);
    if (length % 4 >= 2) expected.push_back(kFourAs - 1);
    if (length % 2 == 1) expected.push_back('a' - '!');
    EXPECT_EQ(tokenizer.encode(std::string(length, 'a')), expected) << length;
  }
}

TEST(JsonTokenizer, ReadsSpecialTokensInTwoWays) {
  const Tokenizer tokenizer = opened(strata::test::llama_tokenizer_json());
  const int32_t begin = 262, end = 263, tool = 264;
  EXPECT_EQ(tokenizer.encode_marked("a<|end_of_text|><tool_call>"), (Ids{'a' - '!', end, tool}));
  EXPECT_EQ(tokenizer.encode_by_itself("a<|end_of_text|>"), (Ids{begin, 'a' - '!', end}));
  EXPECT_EQ(tokenizer.encode("<|end_of_text|><tool_call>"), joined({bytes("<|end_of_text|>"), {tool}}));
  EXPECT_EQ(tokenizer.encode_document("a"), (Ids{begin, 'a' - '!', end}));
  EXPECT_EQ(tokenizer.decode(Ids{begin, 'a' - '!', tool, end}), "a<tool_call>");
  EXPECT_EQ(tokenizer.encode("hello"), Ids{261}) << "a token though no merge leads there";
  EXPECT_EQ(tokenizer.prefix(), begin);
  EXPECT_TRUE(tokenizer.adds_bos());
}

// ignore_merges looks for whole words; a special token can be one.
TEST(JsonTokenizer, NoWordIsASpecialToken) {
  json made = strata::test::llama_tokenizer_json();
  made["added_tokens"][1]["content"] = "EOS";
  const Tokenizer tokenizer = opened(made);
  EXPECT_EQ(tokenizer.encode_marked("EOS"), Ids{263});
  EXPECT_EQ(tokenizer.encode("EOS"), bytes("EOS"));
}

TEST(JsonTokenizer, DocumentsHaveTheMarksThatAreAskedFor) {
  using config::SpecialToken;
  const json gpt2 = strata::test::tokenizer_json(), llama = strata::test::llama_tokenizer_json();
  EXPECT_EQ(opened(gpt2).encode_document("the"), (Ids{kThe, kEndOfText}));
  EXPECT_EQ(opened(gpt2, {.eos = SpecialToken::kFalse}).encode_document("the"), Ids{kThe});
  EXPECT_EQ(opened(llama, {.bos = SpecialToken::kFalse}).encode_document("the"), (Ids{kThe, 263}));
  EXPECT_THAT(error_of([&] { opened(gpt2, {.bos = SpecialToken::kTrue}); }), HasSubstr("data.bos=true: "));
  json without = gpt2;
  without["added_tokens"][0]["content"] = "<|nothing|>";
  EXPECT_EQ(opened(without).end(), std::nullopt);
  EXPECT_THAT(error_of([&] { opened(without, {.eos = SpecialToken::kTrue}); }), HasSubstr("has no token for an end"));
  EXPECT_THAT(error_of([&] { static_cast<void>(opened(without).prefix()); }), HasSubstr("names neither a token"));
}

TEST(JsonTokenizer, SettingsBesideItNameItsTokens) {
  const TempFolder folder;
  write_file(folder / "tokenizer.json", strata::test::llama_tokenizer_json().dump());
  write_file(folder / "tokenizer_config.json",
             R"({"bos_token": null, "eos_token": {"content": "<tool_call>", "lstrip": false}, "pad_token": "the"})");
  const Tokenizer tokenizer(folder.path());
  EXPECT_EQ(tokenizer.file(), folder / "tokenizer.json");
  EXPECT_EQ(tokenizer.eos(), 264);
  EXPECT_EQ(tokenizer.pad(), kThe);
  EXPECT_EQ(tokenizer.bos(), 262);
  write_file(folder / "tokenizer_config.json", R"({"eos_token": "<nowhere>"})");
  EXPECT_THAT(error_of([&] { Tokenizer{folder.path()}; }), HasSubstr("\"<nowhere>\" is no token"));
  write_file(folder / "tokenizer_config.json", "[]");
  EXPECT_THAT(error_of([&] { Tokenizer{folder.path()}; }), HasSubstr("tokenizer_config.json: is no JSON object"));
}

TEST(JsonTokenizer, NormalisesBetweenAddedTokens) {
  json made = strata::test::llama_tokenizer_json();
  made["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}}}};
  const Tokenizer tokenizer = opened(made);
  EXPECT_EQ(tokenizer.encode("e\u0301<tool_call>"), tokenizer.encode("\u00e9<tool_call>"));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("q\u0307\u0323")), "q\u0323\u0307");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("\u1112\u1161\u11ab")), "\ud55c");
  std::string row = "a", ordered = "a";
  for (int i = 0; i < 20'000; ++i) row += "\u0301\u0316";
  for (int i = 0; i < 20'000; ++i) ordered += "\u0316";
  const std::string normal = tokenizer.decode(tokenizer.encode(row));
  EXPECT_EQ(normal.substr(0, ordered.size() + 1), "\u00e1" + ordered.substr(1));
}

TEST(JsonTokenizer, DigitsAreSplitOff) {
  json made = strata::test::tokenizer_json({"1 2", "a 1"});
  made["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Digits"}, {"individual_digits", true}}, {{"type", "ByteLevel"}, {"add_prefix_space", false}}}}};
  EXPECT_EQ(opened(made).encode("a12"), bytes("a12"));
  made["pre_tokenizer"]["pretokenizers"][0]["individual_digits"] = false;
  EXPECT_EQ(opened(made).encode("a12"), joined({bytes("a"), {256}}));
}

// Ids of bytes that are no character come one after another out of a model.
TEST(JsonTokenizer, DecodesHalfCharactersAsUnknownOnes) {
  const Tokenizer tokenizer = opened(strata::test::tokenizer_json());
  const Ids whole = tokenizer.encode("\u4eba");
  ASSERT_EQ(whole.size(), 3U);
  EXPECT_EQ(tokenizer.decode(Ids{whole[0], whole[1]}), "\ufffd");
  EXPECT_EQ(tokenizer.decode(Ids{whole[1], whole[0], 'a' - '!'}), "\ufffd\ufffda");
  EXPECT_EQ(tokenizer.decode(whole), "\u4eba");
}

TEST(JsonTokenizer, RefusesTextThatIsNoUtf8) {
  EXPECT_THAT(error_of([] { static_cast<void>(opened(strata::test::tokenizer_json()).encode("a\xff")); }),
              HasSubstr("not UTF-8"));
}

struct Broken {
  std::string name;
  std::function<void(json&)> breaks;
  std::string says;  // behind the file's name
};

json split(const json& pattern, const char* behavior = "Isolated") {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", false}},
            {{"type", "ByteLevel"}, {"use_regex", false}}}}};
}

const std::vector<Broken> kBroken{
    {"no model", [](json& j) { j.erase("model"); }, "has no \"model\""},
    {"model of another type", [](json& j) { j["model"]["type"] = "WordPiece"; },
     "model WordPiece is not supported: BPE is"},
    {"model of no type", [](json& j) { j["model"]["type"] = 7; }, "model.type: is no string"},
    {"model is a list", [](json& j) { j["model"] = json::array(); }, "model: is no JSON object"},
    {"dropout", [](json& j) { j["model"]["dropout"] = 0.1; }, "model.dropout is not supported"},
    {"byte_fallback", [](json& j) { j["model"]["byte_fallback"] = true; }, "model.byte_fallback is not supported"},
    {"prefix", [](json& j) { j["model"]["continuing_subword_prefix"] = "##"; },
     "model.continuing_subword_prefix is not supported"},
    {"no vocabulary", [](json& j) { j["model"].erase("vocab"); }, "model has no \"vocab\""},
    {"id that is no number", [](json& j) { j["model"]["vocab"]["the"] = "x"; }, "model.vocab.the: is no whole number"},
    {"negative id", [](json& j) { j["model"]["vocab"]["the"] = -1; }, "model.vocab.the: -1 is no id"},
    {"hole", [](json& j) { j["model"]["vocab"]["the"] = 900; },
     "model.vocab.the: the id 900 is none from 0 to 261: ids have no holes"},
    {"id twice", [](json& j) { j["model"]["vocab"]["the"] = 3; }, "the id 3 is there twice"},
    {"no byte", [](json& j) { j["model"]["vocab"]["~~"] = j["model"]["vocab"]["~"], j["model"]["vocab"].erase("~"); },
     "model.vocab: has no token for the byte 126: only byte-level BPE is supported"},
    {"no merges", [](json& j) { j["model"].erase("merges"); }, "model has no \"merges\""},
    {"merge of an unknown token", [](json& j) { j["model"]["merges"][1] = "th x"; },
     "model.merges[1]: \"thx\" is no token of model.vocab"},
    {"merge of one token", [](json& j) { j["model"]["merges"][0] = "th"; },
     "model.merges[0]: \"th\" is no two tokens with a space between"},
    {"merge of three",
     [](json& j) {
       j["model"]["merges"][0] = {"t", "h", "e"};
     },
     "model.merges[0]: is no two tokens"},
    {"merge that is a number", [](json& j) { j["model"]["merges"][0] = 5; }, "model.merges[0]: is no array"},
    {"added token without id", [](json& j) { j["added_tokens"][0].erase("id"); }, "added_tokens[0] has no \"id\""},
    {"added token with another id", [](json& j) { j["added_tokens"][0]["content"] = "the"; },
     "added_tokens[0]: \"the\" has the id 261, in model.vocab 257"},
    {"added token of nothing", [](json& j) { j["added_tokens"][0]["content"] = ""; },
     "added_tokens[0].content: is empty"},
    {"added token that strips", [](json& j) { j["added_tokens"][0]["lstrip"] = true; },
     "added_tokens[0].lstrip true is not supported"},
    {"added token twice", [](json& j) { j["added_tokens"].push_back(j["added_tokens"][0]); },
     "added_tokens[1]: the id 261 is there twice"},
    {"normalizer",
     [](json& j) {
       j["normalizer"] = {{"type", "Lowercase"}};
     },
     "normalizer Lowercase is not supported: NFC is, or none"},
    {"normalizer in a sequence",
     [](json& j) {
       j["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFKC"}}}}};
     },
     "normalizer.normalizers[0] NFKC is not supported"},
    {"pre-tokenizer",
     [](json& j) {
       j["pre_tokenizer"] = {{"type", "Metaspace"}};
     },
     "pre_tokenizer Metaspace is not supported: ByteLevel, Split and Digits are"},
    {"no pre-tokenizer", [](json& j) { j["pre_tokenizer"] = nullptr; }, "pre_tokenizer: has no ByteLevel"},
    {"behavior",
     [](json& j) {
       j["pre_tokenizer"] = split({{"Regex", "a"}}, "Removed");
     },
     "pre_tokenizer.pretokenizers[0].behavior Removed is not supported: Isolated is"},
    {"broken expression",
     [](json& j) {
       j["pre_tokenizer"] = split({{"Regex", "(a|b"}});
     },
     "pre_tokenizer.pretokenizers[0].pattern: the expression (a|b lacks a )"},
    {"expression that cannot be translated",
     [](json& j) {
       j["pre_tokenizer"] = split({{"Regex", "\\w+"}});
     },
     "pattern: \\w in the expression \\w+ is not supported"},
    {"expression of nothing",
     [](json& j) {
       j["pre_tokenizer"] = split({{"Regex", "a*"}});
     },
     "pattern: the expression a* matches the empty text"},
    {"post-processor",
     [](json& j) {
       j["post_processor"] = {{"type", "BertProcessing"}};
     },
     "post_processor BertProcessing is not supported: TemplateProcessing and ByteLevel are"},
    {"template without a text",
     [](json& j) {
       j["post_processor"] = {{"type", "TemplateProcessing"}, {"single", json::array()}};
     },
     "post_processor.single: has no place for the text"},
    {"decoder",
     [](json& j) {
       j["decoder"] = {{"type", "WordPiece"}};
     },
     "decoder WordPiece is not supported"},
    {"truncation",
     [](json& j) {
       j["truncation"] = {{"max_length", 8}};
     },
     "truncation is not supported"}};

TEST(JsonTokenizer, RefusesEveryOtherPartByItsName) {
  for (const Broken& broken : kBroken) {
    json made = strata::test::tokenizer_json();
    broken.breaks(made);
    const std::string error = error_of([&] { opened(made); });
    EXPECT_THAT(error, HasSubstr("tokenizer.json: ")) << broken.name;
    EXPECT_THAT(error, HasSubstr(broken.says)) << broken.name;
    EXPECT_THAT(error, Not(HasSubstr("\n"))) << broken.name;
  }
}

TEST(JsonTokenizer, RefusesWhatIsNoJson) {
  const TempFolder folder;
  const std::string whole = strata::test::tokenizer_json().dump();
  for (const size_t length : {size_t{1}, size_t{2}, size_t{50}, whole.size() - 1}) {
    write_file(folder / "tokenizer.json", whole.substr(0, length));
    EXPECT_THAT(error_of([&] { Tokenizer{folder.path()}; }), HasSubstr("tokenizer.json: is no JSON: ")) << length;
  }
  std::filesystem::remove(folder / "tokenizer.json");
  EXPECT_THAT(error_of([&] { Tokenizer{folder.path()}; }), HasSubstr("the folder has no spiece.model"));
}

TextStream made_up_texts(int count) {
  return [next = 0, count](std::string& text) mutable {
    text = test::made_up_text(next, 200);
    return next++ < count;
  };
}

TEST(JsonTokenizer, IsTrainedOnTexts) {
  const TempFolder folder;
  train_byte_bpe(made_up_texts(20), 300, folder / "tokenizer.json");
  const Tokenizer tokenizer(folder.path());
  EXPECT_EQ(tokenizer.vocab_size(), 300);
  EXPECT_EQ(tokenizer.end(), 299);
  const std::string text = test::made_up_text(3, 50);
  const Ids ids = tokenizer.encode(text);
  EXPECT_LT(3 * ids.size(), 2 * text.size());
  EXPECT_EQ(tokenizer.decode(ids), text);
  train_byte_bpe(made_up_texts(20), 300, folder / "again.json");
  EXPECT_EQ(Tokenizer(folder / "again.json").fingerprint(), tokenizer.fingerprint());
}

// "c d", " c" and " a" are there three times: of equal counts the pair of smaller ids is first.
TEST(JsonTokenizer, LearnsTheMostFrequentPairFirst) {
  const TempFolder folder;
  const TextStream texts = [done = false](std::string& text) mutable {
    text = "ab aa cd cd cd ab aa";
    return !std::exchange(done, true);
  };
  train_byte_bpe(texts, 261, folder / "tokenizer.json");
  std::ifstream file(folder / "tokenizer.json");
  EXPECT_EQ(json::parse(file)["model"]["merges"], (json{"c d", "\u0120 a", "\u0120 cd", "\u0120a a"}));
  EXPECT_THAT(error_of([&] { train_byte_bpe(made_up_texts(0), 300, folder / "x"); }), HasSubstr("has no text"));
  EXPECT_THAT(error_of([&] { train_byte_bpe(made_up_texts(1), 200, folder / "x"); }), HasSubstr("alone are 257"));
  EXPECT_THAT(error_of([&] { train_byte_bpe(made_up_texts(1), 9000, folder / "x"); }), HasSubstr("no pair is there"));
}

}  // namespace
}  // namespace strata::data
