#include <simdjson.h>

#include <algorithm>

#include "data/tokenizer/byte_bpe.h"
#include "fuzz/target.h"
#include "support/json_tokenizers.h"

namespace strata::fuzz {
namespace {

using data::ByteBpe;
using data::Reading;
using nlohmann::json;

constexpr char kEndOfPart = '\xff';  // never in UTF-8

std::string with_expression(std::string_view expression) {
  json made = test::llama_tokenizer_json();
  made["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = expression;
  return made.dump(-1, ' ', false, json::error_handler_t::replace);
}

void check(const std::string& file, std::string_view text) {
  const data::JsonTokenizer read = data::read_tokenizer_json(file, "tokenizer.json");
  const bool keeps_text = !read.nfc && std::ranges::none_of(read.splits, &data::Split::adds_space);
  const ByteBpe tokenizer(read);
  for (const Reading reading : {Reading::kText, Reading::kMarked}) {
    const std::vector<int32_t> ids = tokenizer.encode(text, reading);
    for (const int32_t id : ids) expect(0 <= id && id < tokenizer.vocab_size(), "an id is in the vocabulary");
    const std::string again = tokenizer.decode(ids);
    expect(simdjson::validate_utf8(again), "what is decoded is UTF-8");
    if (keeps_text && reading == Reading::kText) expect(again == text, "ids have all of the text");
  }
}

}  // namespace

// A whole file; or an expression, \xff, and a text that is split by it.
void test_one(std::string_view input) {
  const std::string_view first = input.substr(0, input.find(kEndOfPart));
  const std::string_view text = input.substr(std::min(input.size(), first.size() + 1));
  if (input.starts_with('{')) {
    check(std::string(first), text.empty() ? "The theory, e\u0301 12 <|endoftext|>\n" : text);
  } else {
    check(with_expression(first), text);
  }
}

std::vector<std::string> seeds() {
  const json gpt2 = test::tokenizer_json();
  json nfc = test::llama_tokenizer_json();
  nfc["normalizer"] = {{"type", "NFC"}};
  return {gpt2.dump(), nfc.dump() + kEndOfPart + "q\u0307\u0323\u1112\u1161",
          std::string(R"('s| ?\p{L}+|[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)") + kEndOfPart + "it's  \u4eba 12",
          std::string(R"((?i:'ll)|\d{1,3}|(?<=a)b|(?>x+?)|.)") + kEndOfPart + "I'LL <|end_of_text|>"};
}

}  // namespace strata::fuzz
