#include "strata/data/samples/prompt_template.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "strata/base/check.h"

namespace strata::data {
namespace {

constexpr std::string_view kAlpacaWithInput =
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n"
    "### Response:{output}";
constexpr std::string_view kAlpacaWithoutInput =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:{output}";
constexpr std::string_view kPlain = "{instruction}\n\n{output}";

[[noreturn]] void refuse_template(const std::string& problem) { throw UsageError("sft.template: " + problem); }

std::string Turn::*part_called(std::string_view name) {
  if (name == "instruction") return &Turn::instruction;
  if (name == "input") return &Turn::input;
  if (name == "output") return &Turn::output;
  refuse_template(
      str("unknown placeholder {", name, "} (known: {instruction} {input} {output}, or the names alpaca and plain)"));
}

struct Placeholder {
  size_t begin = 0;  // of "{"
  size_t end = 0;    // after "}"
};

// The first `{word}` from `start` on.
std::optional<Placeholder> find_placeholder(std::string_view text, size_t start) {
  for (size_t begin = text.find('{', start); begin != text.npos; begin = text.find('{', begin + 1)) {
    size_t end = begin + 1;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    if (end > begin + 1 && end < text.size() && text[end] == '}') return Placeholder{begin, end + 1};
  }
  return std::nullopt;
}

}  // namespace

std::vector<PromptTemplate::Piece> PromptTemplate::parse(std::string_view text) {
  std::vector<Piece> pieces;
  size_t end = 0;
  while (const auto place = find_placeholder(text, end)) {
    const std::string_view name = text.substr(place->begin + 1, place->end - place->begin - 2);
    pieces.push_back({.text = std::string(text.substr(end, place->begin - end)), .part = part_called(name)});
    end = place->end;
  }
  pieces.push_back({.text = std::string(text.substr(end))});
  return pieces;
}

PromptTemplate::PromptTemplate(std::string_view text) {
  const bool is_alpaca = text == "alpaca";
  with_input_ = parse(is_alpaca ? kAlpacaWithInput : text == "plain" ? kPlain : text);
  without_input_ = is_alpaca ? parse(kAlpacaWithoutInput) : with_input_;
  const auto uses = [&](std::string Turn::*part) { return std::ranges::count(with_input_, part, &Piece::part); };
  if (uses(&Turn::instruction) == 0) refuse_template("the text has no {instruction}");
  if (uses(&Turn::output) != 1) refuse_template(str("the text has {output} ", uses(&Turn::output), " times, not once"));
  const Piece& last = with_input_[with_input_.size() - 2];
  if (last.part != &Turn::output) refuse_template("{output} is not the last placeholder of the text");
  joins_input_ = uses(&Turn::input) == 0;
  end_ = with_input_.back().text;
}

std::string PromptTemplate::prompt(const Turn& turn) const {
  std::string text;
  for (const Piece& piece : turn.input.empty() ? without_input_ : with_input_) {
    text += piece.text;
    if (piece.part == &Turn::output) break;
    text += turn.*piece.part;
    if (piece.part == &Turn::instruction && joins_input_ && !turn.input.empty()) text += "\n" + turn.input;
  }
  return text;
}

std::string PromptTemplate::response(const Turn& turn) const { return turn.output + end_; }

}  // namespace strata::data
