#include "data/tokenizer/json_vocabulary.h"

#include <unordered_map>

#include "data/tokenizer/byte_alphabet.h"
#include "strata/base/check.h"

namespace strata::data {
namespace {

using Ids = std::unordered_map<std::string_view, int32_t>;

void check_model(const JsonPart& model) {
  const bool says_type = model.find("type").has_value();
  if (says_type && model.type() != "BPE") model.refuse(str(" ", model.type(), " is not supported: BPE is"));
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"}) {
    if (model.is_set(key)) model.at(key).refuse(" is not supported");
  }
}

// A token and its id. The names stay where they lie, in the file's text.
void add(const JsonPart& place, std::string_view name, int64_t id, Ids& ids, std::vector<bool>& is_taken) {
  const auto most = static_cast<int64_t>(is_taken.size());
  if (id < 0 || id >= most) place.refuse(str("the id ", id, " is none from 0 to ", most - 1, ": ids have no holes"));
  if (is_taken[static_cast<size_t>(id)]) place.refuse(str("the id ", id, " is there twice"));
  if (!ids.emplace(name, static_cast<int32_t>(id)).second) place.refuse("the token is there twice");
  is_taken[static_cast<size_t>(id)] = true;
}

size_t count_of_new(const std::vector<JsonPart>& added, const Ids& known) {
  size_t count = 0;
  for (const JsonPart& token : added) count += known.contains(token.at("content").text()) ? 0 : 1;
  return count;
}

AddedToken added_token(const JsonPart& part) {
  for (const char* key : {"single_word", "lstrip", "rstrip"}) {
    if (part.flag(key, false)) part.at(key).refuse(" true is not supported");
  }
  AddedToken token{.content = std::string(part.at("content").text()),
                   .id = 0,
                   .is_special = part.flag("special", false),
                   .is_normalised = part.flag("normalized", false)};
  if (token.content.empty()) part.at("content").refuse("is empty");
  return token;
}

void read_tokens(const JsonPart& root, JsonTokenizer& made, Ids& ids) {
  const JsonPart vocabulary = root.at("model").at("vocab");
  const auto part_of_added = root.find("added_tokens");
  const std::vector<JsonPart> added = part_of_added ? part_of_added->items() : std::vector<JsonPart>{};
  Ids known;
  vocabulary.each_field([&](std::string_view name, const JsonPart& value) {
    const int64_t id = value.number();
    if (id < 0 || id > INT32_MAX) value.refuse(str(id, " is no id"));
    if (!known.emplace(name, static_cast<int32_t>(id)).second) value.refuse("the token is there twice");
  });
  std::vector<bool> is_taken(known.size() + count_of_new(added, known));
  vocabulary.each_field(
      [&](std::string_view name, const JsonPart& value) { add(value, name, value.number(), ids, is_taken); });
  std::vector<bool> is_added(is_taken.size());
  for (const JsonPart& part : added) {
    AddedToken token = added_token(part);
    const int64_t id = part.at("id").number();
    const auto there = known.find(token.content);
    if (there == known.end()) add(part, part.at("content").text(), id, ids, is_taken);
    if (there != known.end() && there->second != id) {
      part.refuse(str("\"", token.content, "\" has the id ", id, ", in model.vocab ", there->second));
    }
    if (is_added[static_cast<size_t>(id)]) part.refuse("the token is there twice");
    is_added[static_cast<size_t>(id)] = true;
    token.id = static_cast<int32_t>(id);
    made.added.push_back(std::move(token));
  }
}

void read_bytes(const JsonPart& vocabulary, const Ids& ids, JsonTokenizer& made) {
  made.names.resize(ids.size());
  made.tokens.resize(ids.size());
  for (const auto& [name, id] : ids) {
    made.names[static_cast<size_t>(id)] = name;
    made.tokens[static_cast<size_t>(id)] = bytes_of_signs(name).value_or(std::string(name));
  }
  for (size_t byte = 0; byte < made.of_byte.size(); ++byte) {
    const auto token = ids.find(signs_of_bytes()[byte]);
    if (token == ids.end())
      vocabulary.refuse(str("has no token for the byte ", byte, ": only byte-level BPE is supported"));
    made.of_byte[byte] = token->second;
  }
}

struct Halves {
  std::string_view left, right;
};

// "a b", or ["a", "b"] as newer files have it.
Halves halves_of(const JsonPart& merge) {
  if (merge.is_text()) {
    const std::string_view text = merge.text();
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      merge.refuse(str("\"", text, "\" is no two tokens with a space between"));
    }
    return {.left = text.substr(0, space), .right = text.substr(space + 1)};
  }
  const auto items = merge.items();
  if (items.size() != 2) merge.refuse("is no two tokens");
  return {.left = items[0].text(), .right = items[1].text()};
}

void read_merges(const JsonPart& merges, const Ids& ids, JsonTokenizer& made) {
  const auto id_of = [&](const JsonPart& merge, std::string_view name) {
    const auto token = ids.find(name);
    if (token == ids.end()) merge.refuse(str("\"", name, "\" is no token of model.vocab"));
    return token->second;
  };
  for (const JsonPart& merge : merges.items()) {
    const Halves halves = halves_of(merge);
    const std::string both = std::string(halves.left) + std::string(halves.right);
    made.merges.push_back({.left = id_of(merge, halves.left),
                           .right = id_of(merge, halves.right),
                           .rank = static_cast<int32_t>(made.merges.size()),
                           .token = id_of(merge, both)});
  }
}

}  // namespace

void read_vocabulary(const JsonPart& root, JsonTokenizer& made) {
  const JsonPart model = root.at("model");
  check_model(model);
  Ids ids;
  read_tokens(root, made, ids);
  read_bytes(model.at("vocab"), ids, made);
  read_merges(model.at("merges"), ids, made);
  made.ignore_merges = model.flag("ignore_merges", false);
}

}  // namespace strata::data
