#include "data/tokenizer/json_tokenizer.h"

#include "data/tokenizer/json_part.h"
#include "data/tokenizer/json_vocabulary.h"
#include "strata/base/check.h"

namespace strata::data {
namespace {

// Numbers as Rust knows them: Unicode 17 has a few more than the expressions' Unicode 16.
constexpr const char* kNumber = "[\\p{N}\U00011DE0-\U00011DE9\U00016FF4-\U00016FF6]";

[[noreturn]] void refuse_type(const JsonPart& part, const std::string& known) {
  part.refuse(str(" ", part.type(), " is not supported: ", known));
}

void read_normalizer(const JsonPart& part, JsonTokenizer& made) {
  if (part.type() == "Sequence") {
    for (const JsonPart& item : part.at("normalizers").items()) read_normalizer(item, made);
  } else if (part.type() == "NFC") {
    made.nfc = true;
  } else {
    refuse_type(part, "NFC is, or none");
  }
}

std::string expression_of(const JsonPart& pattern) {
  if (const auto expression = pattern.find("Regex")) return std::string(expression->text());
  std::string escaped;
  for (const char c : pattern.at("String").text()) {
    if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  if (escaped.empty()) pattern.refuse("is empty");
  return escaped;
}

void read_split(const JsonPart& part, JsonTokenizer& made) {
  const JsonPart behavior = part.at("behavior");
  if (behavior.text() != "Isolated") behavior.refuse(str(" ", behavior.text(), " is not supported: Isolated is"));
  if (part.flag("invert", false)) part.at("invert").refuse(" true is not supported");
  const JsonPart pattern = part.at("pattern");
  made.splits.push_back({.expression = expression_of(pattern), .place = pattern.place()});
}

void read_pre_tokenizer(const JsonPart& part, JsonTokenizer& made, bool& is_of_bytes) {
  const std::string_view type = part.type();
  if (is_of_bytes) part.refuse(str(" ", type, " is not supported behind ByteLevel"));
  if (type == "Sequence") {
    for (const JsonPart& item : part.at("pretokenizers").items()) read_pre_tokenizer(item, made, is_of_bytes);
  } else if (type == "Split") {
    read_split(part, made);
  } else if (type == "Digits") {
    const bool each = part.flag("individual_digits", false);
    made.splits.push_back({.expression = str(kNumber, each ? "" : "+"), .place = part.place()});
  } else if (type == "ByteLevel") {
    made.splits.push_back({.expression = part.flag("use_regex", true) ? kGpt2Expression : "",
                           .adds_space = part.flag("add_prefix_space", true),
                           .place = part.place()});
    is_of_bytes = true;
  } else {
    refuse_type(part, "ByteLevel, Split and Digits are, and a Sequence of them");
  }
}

void read_template(const JsonPart& part, JsonTokenizer& made) {
  bool has_text = false;
  for (const JsonPart& item : part.at("single").items()) {
    if (const auto sequence = item.find("Sequence")) {
      if (has_text || sequence->at("id").text() != "A") sequence->refuse("is not the one text A");
      has_text = true;
      continue;
    }
    const JsonPart token = item.at("SpecialToken").at("id");
    const std::string name(token.text());
    for (const JsonPart& id : part.at("special_tokens").at(name.c_str()).at("ids").items()) {
      const auto is_known = 0 <= id.number() && id.number() < std::ssize(made.tokens);
      if (!is_known) id.refuse(str(id.number(), " is no id from 0 to ", std::ssize(made.tokens) - 1));
      (has_text ? made.behind : made.before).push_back(static_cast<int32_t>(id.number()));
    }
  }
  if (!has_text) part.at("single").refuse("has no place for the text");
}

void read_post_processor(const JsonPart& part, JsonTokenizer& made) {
  if (part.type() == "Sequence") {
    for (const JsonPart& item : part.at("processors").items()) read_post_processor(item, made);
  } else if (part.type() == "TemplateProcessing") {
    if (!made.before.empty() || !made.behind.empty()) part.refuse(" TemplateProcessing is not supported twice");
    read_template(part, made);
  } else if (part.type() != "ByteLevel") {  // which only moves offsets
    refuse_type(part, "TemplateProcessing and ByteLevel are");
  }
}

void read_decoder(const JsonPart& part) {
  if (part.type() == "Sequence") {
    for (const JsonPart& item : part.at("decoders").items()) read_decoder(item);
  } else if (part.type() != "ByteLevel") {
    refuse_type(part, "ByteLevel is");
  }
}

simdjson::dom::element parsed(simdjson::dom::parser& parser, std::string_view json, const std::string& file) {
  simdjson::dom::element root;
  const auto failure = parser.parse(json.data(), json.size()).get(root);
  STRATA_CHECK(!failure, file, ": is no JSON: ", simdjson::error_message(failure));
  STRATA_CHECK(root.is_object(), file, ": is no JSON object");
  return root;
}

}  // namespace

JsonTokenizer read_tokenizer_json(std::string_view json, const std::string& file) {
  simdjson::dom::parser parser;
  const JsonPart root(parsed(parser, json, file), file);
  JsonTokenizer made;
  read_vocabulary(root, made);
  if (const auto part = root.find("normalizer")) read_normalizer(*part, made);
  bool is_of_bytes = false;
  if (const auto part = root.find("pre_tokenizer")) read_pre_tokenizer(*part, made, is_of_bytes);
  STRATA_CHECK(is_of_bytes, file, ": pre_tokenizer: has no ByteLevel: only byte-level BPE is supported");
  if (const auto part = root.find("post_processor")) read_post_processor(*part, made);
  read_decoder(root.at("decoder"));
  for (const char* unused : {"truncation", "padding"}) {
    if (const auto part = root.find(unused)) part->refuse(" is not supported: texts are never cut or filled up");
  }
  return made;
}

}  // namespace strata::data
