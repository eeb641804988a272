// strata encode, strata decode: text to ids and back, one JSON value a line, as a filter.
#include <iostream>
#include <nlohmann/json.hpp>

#include "command.h"
#include "strata/base/check.h"
#include "strata/data/tokenizer.h"
#include "strata/io/json.h"

namespace strata::tools {
namespace {

using nlohmann::json;

// Applies `convert` to every line of stdin; what it throws is told with the line's number.
template <class Value, class Convert>
void convert_lines(Convert convert) {
  int64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    try {
      std::cout << json(convert(json::parse(line).get<Value>())).dump() << "\n";
    } catch (const std::exception& failure) {
      throw Error(str("stdin:", number, ": ", io::reason_of(failure)));
    }
  }
  STRATA_CHECK(std::cout.flush(), "cannot write to stdout");
}

struct FilterArguments {
  std::string tokenizer;
  bool as_document = false;
};

void encode(const FilterArguments& arguments) {
  const data::Tokenizer tokenizer(arguments.tokenizer);
  convert_lines<std::string>([&](const std::string& text) {
    return arguments.as_document ? tokenizer.encode_document(text) : tokenizer.encode_by_itself(text);
  });
}

void decode(const FilterArguments& arguments) {
  const data::Tokenizer tokenizer(arguments.tokenizer);
  convert_lines<json>([&](const json& values) {
    STRATA_CHECK(values.is_array(), "expected an array of ids, got ", values.dump());
    std::vector<int32_t> ids;
    for (const json& value : values) {
      const bool is_id = value.is_number_integer() && value >= 0 && value < tokenizer.vocab_size();
      STRATA_CHECK(is_id, value.dump(), " is no id from 0 to ", tokenizer.vocab_size() - 1);
      ids.push_back(value.get<int32_t>());
    }
    return tokenizer.decode(ids);
  });
}

constexpr const char* kTokenizerHelp = "sentencepiece model or tokenizer.json, or a folder that has one";

}  // namespace

void add_encode(const Command& program) {
  const auto arguments = std::make_shared<FilterArguments>();
  const Command encoder =
      program.add("encode",
                  "ids of texts; stdin: one JSON string a line; stdout: a JSON array of its ids, with the special ones "
                  "that the tokenizer itself adds");
  encoder.option("--tokenizer", arguments->tokenizer, kTokenizerHelp).required();
  encoder.flag("--document", arguments->as_document,
               "as a document of training: special tokens in the text are characters, and data.bos and data.eos are "
               "auto");
  encoder.run([arguments] { encode(*arguments); });
  const Command decoder =
      program.add("decode", "texts of ids; stdin: one JSON array of ids a line; stdout: its text as a JSON string");
  decoder.option("--tokenizer", arguments->tokenizer, kTokenizerHelp).required();
  decoder.run([arguments] { decode(*arguments); });
}

}  // namespace strata::tools
