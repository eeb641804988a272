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

void encode(const std::string& model) {
  const data::Tokenizer tokenizer(model);
  convert_lines<std::string>([&](const std::string& text) { return tokenizer.encode_document(text); });
}

void decode(const std::string& model) {
  const data::Tokenizer tokenizer(model);
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

void add_filter(const Command& program, const std::string& name, const std::string& help,
                void (*run)(const std::string&)) {
  const Command command = program.add(name, help);
  const auto model = std::make_shared<std::string>();
  command.option("--tokenizer", *model, "sentencepiece model (spiece.model)").required();
  command.run([model, run] { run(*model); });
}

}  // namespace

void add_encode(const Command& program) {
  add_filter(program, "encode",
             "ids of texts; stdin: one JSON string a line; stdout: a JSON array of its ids and a final 1", encode);
  add_filter(program, "decode", "texts of ids; stdin: one JSON array of ids a line; stdout: its text as a JSON string",
             decode);
}

}  // namespace strata::tools
