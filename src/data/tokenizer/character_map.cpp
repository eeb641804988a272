#include "data/tokenizer/character_map.h"

#include <cstring>

#include "data/tokenizer/utf8.h"
#include "strata/base/check.h"

namespace strata::data {
namespace {

constexpr std::string_view kSpaceSign = "\u2581";

// A unit of the double array: where its children begin, the byte that leads to it, and whether a rule ends here.
struct Unit {
  uint32_t bits = 0;

  bool has_leaf() const { return (bits >> 8 & 1U) != 0; }
  uint32_t value() const { return bits & 0x7FFF'FFFFU; }
  uint32_t label() const { return bits & 0x8000'00FFU; }
  uint32_t offset() const { return bits >> 10 << ((bits & 0x200U) >> 6); }
};

}  // namespace

CharacterMap::CharacterMap(const SentencepieceFile& file, const std::string& path)
    : adds_prefix_(file.adds_prefix), drops_spaces_(file.drops_spaces) {
  if (file.character_map.empty()) return;
  const std::string& map = file.character_map;
  uint32_t size = 0;
  const bool has_size = map.size() > sizeof size;
  if (has_size) std::memcpy(&size, map.data(), sizeof size);
  STRATA_CHECK(has_size && size <= map.size() - sizeof size && size % sizeof(uint32_t) == 0 && size > 0, path,
               ": its normalisation is damaged");
  trie_.resize(size / sizeof(uint32_t));
  std::memcpy(trie_.data(), map.data() + sizeof size, size);
  replacements_ = map.substr(sizeof size + size);
}

// The longest rule, or one character as it is.
CharacterMap::Prefix CharacterMap::first_of(std::string_view text) const {
  Prefix longest{.becomes = text.substr(0, size_of_first(text)), .size = size_of_first(text)};
  if (trie_.empty()) return longest;
  const auto unit_at = [&](uint32_t at) {
    STRATA_CHECK(at < trie_.size(), "a rule of the tokenizer's normalisation leads out of its file");
    return Unit{trie_[at]};
  };
  uint32_t at = unit_at(0).offset();
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    const Unit unit = unit_at(at);
    if (unit.label() != byte) break;
    at ^= unit.offset();
    if (!unit.has_leaf()) continue;
    const uint32_t value = unit_at(at).value();
    STRATA_CHECK(value < replacements_.size(), "a rule of the tokenizer's normalisation leads out of its file");
    longest = {.becomes = replacements_.c_str() + value, .size = i + 1};
  }
  return longest;
}

std::string CharacterMap::normalised(std::string_view text, const PieceTrie& kept) const {
  std::string made;
  made.reserve(text.size() + text.size() / 4 + kSpaceSign.size());
  bool is_behind_space = drops_spaces_, is_empty = true;
  while (!text.empty()) {
    const size_t kept_bytes = kept.longest_prefix(text).size;
    const Prefix prefix =
        kept_bytes > 0 ? Prefix{.becomes = text.substr(0, kept_bytes), .size = kept_bytes} : first_of(text);
    text.remove_prefix(prefix.size);
    std::string_view piece = prefix.becomes;
    while (is_behind_space && piece.starts_with(' ')) piece.remove_prefix(1);
    if (is_empty && (prefix.becomes != " " || !drops_spaces_)) {
      is_empty = false;  // what is nothing but spaces becomes nothing
      if (adds_prefix_) made += kSpaceSign;
    }
    if (piece.empty()) continue;
    for (const char c : piece) {
      if (c == ' ') {
        made += kSpaceSign;
      } else {
        made += c;
      }
    }
    is_behind_space = drops_spaces_ && piece.ends_with(' ');
  }
  while (drops_spaces_ && made.ends_with(kSpaceSign)) made.resize(made.size() - kSpaceSign.size());
  return made;
}

}  // namespace strata::data
