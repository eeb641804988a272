#include "fuzz/target.h"
#include "strata/data/samples/instructions.h"
#include "strata/data/samples/prompt_template.h"

namespace strata::fuzz {
namespace {

using data::Instruction;
using data::Turn;

void expect_usable(const Instruction& record) {
  static const data::PromptTemplate alpaca("alpaca");
  expect(!record.turns.empty(), "a record has a turn");
  for (const Turn& turn : record.turns) {
    expect(turn.output.find_first_not_of(" \t\r\n") != std::string::npos, "an output has text");
    expect(alpaca.prompt(turn).ends_with("### Response:"), "a prompt ends with what asks for the response");
    expect(alpaca.response(turn) == turn.output, "a response is the output");
  }
}

}  // namespace

// The text of a file: an array or lines.
void test_one(std::string_view input) {
  for (const Instruction& record : data::parse_instructions(std::string(input), "read")) expect_usable(record);
}

std::vector<std::string> seeds() {
  const std::string plain = R"({"instruction": "a\n[", "input": "", "output": "b}", "answer": "c"})";
  const std::string talk =
      R"({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "\u00b5"}]})";
  return {plain + "\n\n" + talk, "[" + plain + ", " + talk + "]\n", "[]",
          "[" + plain,           R"([{"output": null}])",           "[[" + plain + "]]",
          plain + plain};
}

}  // namespace strata::fuzz
