#include "eval/python_text.h"

#include <algorithm>

namespace strata::eval {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

// The white space of CPython's Objects/unicodetype_db.h, _PyUnicode_IsWhitespace.
bool is_space(std::string_view character) {
  if (character.size() == 1) {
    const auto c = static_cast<unsigned char>(character[0]);
    return c == ' ' || (0x09 <= c && c <= 0x0D) || (0x1C <= c && c <= 0x1F);
  }
  if (character.starts_with("\xE2\x80")) {  // U+2000 to U+200A, U+2028, U+2029, U+202F
    const auto last = static_cast<unsigned char>(character.back());
    return last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF;
  }
  return character == "\xC2\x85" || character == "\xC2\xA0" || character == "\xE1\x9A\x80" ||
         character == "\xE2\x81\x9F" || character == "\xE3\x80\x80";
}

size_t size_of_character(std::string_view text) {
  size_t size = 1;
  while (size < text.size() && is_continuation(text[size])) ++size;
  return size;
}

std::string_view right_stripped(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && is_continuation(text[begin])) --begin;
    if (!is_space(text.substr(begin))) break;
    text.remove_suffix(text.size() - begin);
  }
  return text;
}

std::string_view stripped(std::string_view text) {
  text = right_stripped(text);
  while (!text.empty()) {
    const size_t size = size_of_character(text);
    if (!is_space(text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  return text;
}

int64_t count_characters(std::string_view text) {
  return std::ranges::count_if(text, [](char byte) { return !is_continuation(byte); });
}

}  // namespace strata::eval
