#include "strata/data/samples/instructions.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <set>

#include "strata/base/check.h"

namespace strata::data {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr const char* kBlank = " \t\r\n";

// What is wrong with a record; the place is not known here.
[[noreturn]] void refuse(const std::string& problem) { throw Error(problem); }

std::string text_of(const object& fields, const char* name) {
  std::string_view value;
  const auto failure = fields[name].get_string().get(value);
  if (failure == simdjson::NO_SUCH_FIELD) refuse(str("the field \"", name, "\" is missing"));
  if (failure) refuse(str("the field \"", name, "\" is not a string"));
  return std::string(value);
}

std::string text_if_any(const object& fields, const char* name) {
  element value;
  if (fields[name].get(value) != simdjson::SUCCESS || value.is_null()) return "";
  return text_of(fields, name);
}

void check_output(const std::string& output, const char* what) {
  if (output.find_first_not_of(kBlank) == std::string::npos) refuse(str(what, " is empty"));
}

void check_keys(const object& fields) {
  std::set<std::string_view> known;
  for (const auto& [key, value] : fields) {
    if (!known.insert(key).second) refuse(str("the field \"", key, "\" is there twice"));
  }
}

struct Message {
  std::string role, content;
};

// A text, or a list of parts that have one.
std::string content_of(const object& fields) {
  simdjson::dom::array parts;
  if (fields["content"].get(parts)) return text_of(fields, "content");
  std::string content;
  for (const element part : parts) {
    object of_part;
    if (part.get(of_part)) refuse("the field \"content\" holds what is no JSON object");
    content += text_of(of_part, "text");
  }
  return content;
}

std::vector<Message> messages_of(const element& value) {
  simdjson::dom::array items;
  if (value.get(items)) refuse("the field \"messages\" is not a list");
  std::vector<Message> messages;
  for (const element item : items) {
    object fields;
    if (item.get(fields)) refuse("the field \"messages\" holds what is not a JSON object");
    check_keys(fields);
    double weight = 1.0;
    if (fields["weight"].get(weight) == simdjson::SUCCESS && weight != 1.0) {
      refuse(str("a message has the \"weight\" ", weight, "; every message of the assistant weighs 1"));
    }
    messages.push_back({.role = text_of(fields, "role"), .content = content_of(fields)});
  }
  return messages;
}

void add_turns(const std::vector<Message>& messages, Instruction& record) {
  std::vector<Turn>& turns = record.turns;
  std::optional<std::string> said;
  for (const Message& message : messages) {
    if (message.role == "assistant") {
      if (!said) refuse("a message of the assistant has none of the system or the user before it");
      check_output(message.content, "a message of the assistant");
      turns.push_back({.instruction = std::move(*said), .input = "", .output = message.content});
      said.reset();
    } else if (message.role == "user" || message.role == "system") {
      said = said ? *said + "\n\n" + message.content : message.content;
    } else {
      refuse(str("unknown role \"", message.role, "\" (known: system user assistant)"));
    }
  }
  if (turns.empty()) refuse("the field \"messages\" has no message of the assistant");
  record.has_unanswered = said.has_value();
}

Instruction record_of(const object& fields) {
  check_keys(fields);
  Instruction record;
  record.answer = text_if_any(fields, "answer");
  element messages;
  if (fields["messages"].get(messages) == simdjson::SUCCESS && !messages.is_null()) {
    add_turns(messages_of(messages), record);
    return record;
  }
  record.turns.push_back({.instruction = text_of(fields, "instruction"),
                          .input = text_if_any(fields, "input"),
                          .output = text_of(fields, "output")});
  check_output(record.turns[0].output, "the field \"output\"");
  return record;
}

Instruction parse_record(simdjson::dom::parser& parser, std::string_view text) {
  element parsed;
  if (const auto failure = parser.parse(text.data(), text.size()).get(parsed)) {
    refuse(str("broken JSON: ", simdjson::error_message(failure)));
  }
  object fields;
  if (parsed.get(fields)) refuse("not a JSON object");
  return record_of(fields);
}

// Nothing for one that is skipped.
std::optional<Instruction> parse_record(simdjson::dom::parser& parser, std::string_view text, const std::string& where,
                                        BadRecords* bad) {
  try {
    return parse_record(parser, text);
  } catch (const Error& error) {
    const std::string problem = where + ": " + error.what();
    if (bad == nullptr) throw Error(problem);
    bad->add(problem);
    return std::nullopt;
  }
}

std::vector<Instruction> parse_lines(std::string_view text, const std::string& path, BadRecords* bad) {
  std::vector<Instruction> records;
  simdjson::dom::parser parser;
  int64_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(kBlank) == std::string::npos) continue;
    if (auto record = parse_record(parser, line, str(path, ":", number), bad)) records.push_back(std::move(*record));
  }
  return records;
}

// The array is walked on demand, so that what is broken is a record with a number; each record is then parsed as
// strictly as a line is.
std::vector<Instruction> parse_array(std::string text, const std::string& path, BadRecords* bad) {
  std::vector<Instruction> records;
  simdjson::dom::parser record_parser;
  simdjson::ondemand::parser parser;
  int64_t number = 1;
  const auto where = [&] { return str(path, ": record ", number); };
  const auto check = [&](simdjson::error_code failure) {
    STRATA_CHECK(!failure, where(), ": broken JSON: ", simdjson::error_message(failure));
  };
  text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  simdjson::ondemand::document document;
  check(parser.iterate(text).get(document));
  simdjson::ondemand::array items;
  check(document.get_array().get(items));
  for (auto item : items) {
    check(item.error());
    simdjson::ondemand::object fields;
    const auto failure = item.get_object().get(fields);
    STRATA_CHECK(failure != simdjson::INCORRECT_TYPE, where(), ": not a JSON object");
    check(failure);
    std::string_view raw;
    check(fields.raw_json().get(raw));
    if (auto record = parse_record(record_parser, raw, where(), bad)) records.push_back(std::move(*record));
    ++number;
  }
  const bool is_at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  STRATA_CHECK(is_at_end, path, ": there is more behind the array");
  return records;
}

}  // namespace

std::vector<Instruction> parse_instructions(std::string text, const std::string& path, BadRecords* bad) {
  const size_t first = text.find_first_not_of(kBlank);
  const bool is_array = first != std::string::npos && text[first] == '[';
  return is_array ? parse_array(std::move(text), path, bad) : parse_lines(text, path, bad);
}

}  // namespace strata::data
