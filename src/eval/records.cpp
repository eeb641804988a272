#include "eval/records.h"

#include <charconv>
#include <functional>

#include "eval/python.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/io/lines.h"

namespace strata::eval {
namespace {

namespace fs = std::filesystem;
using ItemOf = std::function<Item(const Record&)>;

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) line += c == '\n' ? "\\n" : std::string(1, c);
  return line;
}

// Empty: there is none.
fs::path find_file(const fs::path& folder, const std::vector<std::string>& names, const std::string& kind) {
  for (const std::string& name : names) {
    for (const char* ending : {".jsonl.gz", ".jsonl"}) {
      fs::path file = folder / (name + kind + ending);
      if (fs::exists(file)) return file;
    }
  }
  return {};
}

Item parse_item(simdjson::dom::parser& parser, const std::string& line, const ItemOf& item_of) {
  simdjson::dom::element parsed;
  const auto failure = parser.parse(line).get(parsed);
  STRATA_CHECK(!failure, "broken JSON: ", simdjson::error_message(failure));
  simdjson::dom::object fields;
  STRATA_CHECK(!parsed.get(fields), "not a JSON object");
  Item item = item_of(Record(fields));
  check_item(item);
  return item;
}

std::vector<Item> read_items(const fs::path& file, const ItemOf& item_of) {
  std::vector<Item> items;
  simdjson::dom::parser parser;
  io::LineReader lines(file);
  for (std::string line; lines.next(line);) {
    if (stripped(line).empty()) continue;
    try {
      items.push_back(parse_item(parser, line, item_of));
    } catch (const Error& error) {
      throw Error(lines.where() + ": " + error.what());
    }
  }
  STRATA_CHECK(!items.empty(), file.string(), ": holds no items");
  return items;
}

}  // namespace

simdjson::dom::element Record::value(const char* field) const {
  simdjson::dom::element found;
  STRATA_CHECK(!fields_[field].get(found), "the field \"", field, "\" is missing");
  return found;
}

std::string Record::text(const char* field) const {
  std::string_view text;
  STRATA_CHECK(!value(field).get(text), "the field \"", field, "\" is not a string");
  return std::string(text);
}

std::vector<std::string> Record::texts(const char* field) const {
  simdjson::dom::array list;
  STRATA_CHECK(!value(field).get(list), "the field \"", field, "\" is not a list");
  std::vector<std::string> texts;
  for (const simdjson::dom::element one : list) {
    std::string_view text;
    STRATA_CHECK(!one.get(text), "the field \"", field, "\" holds what is not a string");
    texts.emplace_back(text);
  }
  return texts;
}

int64_t Record::number(const char* field) const {
  int64_t number = 0;
  if (!value(field).get(number)) return number;
  std::string_view digits;
  const bool is_text = !value(field).get(digits);
  const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = is_text && failure == std::errc() && stop == digits.data() + digits.size();
  STRATA_CHECK(is_number, "the field \"", field, "\" is not a whole number");
  return number;
}

std::string Record::between(const char* field, std::string_view begin, std::string_view end) const {
  const std::string all = text(field);
  const bool has_both = all.size() >= begin.size() + end.size() && all.starts_with(begin) && all.ends_with(end);
  STRATA_CHECK(has_both, "the field \"", field, "\" does not begin with \"", one_line(begin), "\" and end with \"",
               one_line(end), "\"");
  return all.substr(begin.size(), all.size() - begin.size() - end.size());
}

void check_item(const Item& item) {
  STRATA_CHECK(item.choices.size() >= 2, "has ", item.choices.size(), " choices, not at least two");
  for (size_t i = 0; i < item.choices.size(); ++i) {
    STRATA_CHECK(!stripped(item.choices[i]).empty(), "choice ", i + 1, " is empty");
  }
  const bool has_gold = 0 <= item.gold && item.gold < std::ssize(item.choices);
  STRATA_CHECK(has_gold, "the right choice is number ", item.gold + 1, " of ", item.choices.size());
}

std::vector<ItemSet> RecordTask::load(const fs::path& folder) const {
  const auto item_of = [this](const Record& record) { return item(record); };
  const std::vector<std::string> names = this->names();
  const fs::path file = find_file(folder, names, "");
  STRATA_CHECK(!file.empty(), (folder / names[0]).string(), ".jsonl.gz: no such file (nor .jsonl",
               names.size() > 1 ? "; it may also be called " + join({names.begin() + 1, names.end()}, ", ") : "", ")");
  ItemSet set{.name = names[0], .description = "", .items = read_items(file, item_of), .pool = {}};
  const fs::path pool = find_file(folder, names, ".fewshot");
  if (!pool.empty()) {
    set.pool = read_items(pool, item_of);
    set.examples = is_test_split() ? Examples::kSampled : Examples::kSampledOthers;
  }
  std::vector<ItemSet> sets;
  sets.push_back(std::move(set));
  return sets;
}

}  // namespace strata::eval
