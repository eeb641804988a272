#include "eval/word_encoder.h"

#include <algorithm>

#include "eval/python.h"

namespace strata::eval {
namespace {

// Rust's char::is_whitespace: Python's without the separators U+001C to U+001F, which the normaliser drops.
bool is_between_words(std::string_view character) {
  return is_space(character) && !('\x1C' <= character[0] && character[0] <= '\x1F');
}

// Up to the next white space; empty at the end.
std::string_view next_word(std::string_view& text) {
  while (!text.empty() && is_between_words(text.substr(0, size_of_character(text)))) {
    text.remove_prefix(size_of_character(text));
  }
  std::string_view rest = text;
  while (!rest.empty() && !is_between_words(rest.substr(0, size_of_character(rest)))) {
    rest.remove_prefix(size_of_character(rest));
  }
  const std::string_view word = text.substr(0, text.size() - rest.size());
  text = rest;
  return word;
}

}  // namespace

std::vector<int32_t> encode_words(const data::Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    std::ranges::copy(tokenizer.encode(word), std::back_inserter(ids));
  }
  return ids;
}

}  // namespace strata::eval
