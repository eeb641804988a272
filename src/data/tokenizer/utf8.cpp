#include "data/tokenizer/utf8.h"

#include <simdjson.h>

#include <algorithm>

namespace strata::data {
namespace {

bool is_between(char c, unsigned first, unsigned last) {
  const auto byte = static_cast<unsigned char>(c);
  return first <= byte && byte <= last;
}

// How many bytes at the beginning of `text` are a character, or all that can be read of one.
struct Character {
  size_t size = 1;
  bool is_whole = false;
};

Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {.size = 1, .is_whole = true};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned first = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned last = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (text.size() < 2 || !is_between(text[1], first, last)) return {};
  for (size_t i = 2; i < size; ++i) {
    if (text.size() <= i || !is_between(text[i], 0x80, 0xBF)) return {.size = i, .is_whole = false};
  }
  return {.size = size, .is_whole = true};
}

}  // namespace

std::string mended_utf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::string(text);
  std::string mended;
  while (!text.empty()) {
    const Character character = first_character(text);
    mended += character.is_whole ? text.substr(0, character.size) : "\uFFFD";
    text.remove_prefix(character.size);
  }
  return mended;
}

}  // namespace strata::data
