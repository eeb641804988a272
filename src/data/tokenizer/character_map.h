#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/pieces.h"
#include "data/tokenizer/sentencepiece_file.h"

namespace strata::data {

/// Normalises texts as sentencepiece does: the longest rule at each place, then its treatment of spaces.
class CharacterMap {
 public:
  /// `path`: begins messages. Throws Error for rules that lead out of the file.
  CharacterMap(const SentencepieceFile& file, const std::string& path);

  /// `text` is UTF-8; what is among `kept` stays as it is, but for its spaces. Takes memory for the result alone.
  std::string normalised(std::string_view text, const PieceTrie& kept) const;

 private:
  struct Prefix {
    std::string_view becomes;
    size_t size = 0;  // of what is replaced
  };

  Prefix first_of(std::string_view text) const;

  std::vector<uint32_t> trie_;  // a double array, as darts-clone lays it out
  std::string replacements_;    // each ends with a zero byte
  bool adds_prefix_;
  bool drops_spaces_;
};

}  // namespace strata::data
