#pragma once

#include <array>
#include <optional>
#include <unordered_map>

#include "data/tokenizer/character_map.h"
#include "data/tokenizer/merges.h"
#include "data/tokenizer/pieces.h"
#include "data/tokenizer/sentencepiece_file.h"

namespace strata::data {

/// The ids that Debian's sentencepiece gives, to the bit, in time and memory proportional to the text, where that
/// library takes quadratic time (rows of unknown characters) and 80 bytes for a byte.
///
/// A text is encoded in parts, between places over which no piece of the vocabulary goes on: every way of cutting the
/// text into pieces is cut there too, and no merge reaches over it. Unigram models carry the score of what is behind
/// them along, as the library adds it up, so that rounding decides as it does there.
class PieceEncoder {
 public:
  /// Whether the model is of a kind whose ids this class knows: unigram or BPE, the latter without pieces that its
  /// makers left unused, spaces escaped and before their words.
  static bool knows(const SentencepieceFile& file);

  /// A file that it knows. Throws as CharacterMap.
  PieceEncoder(const SentencepieceFile& file, const std::string& path);

  /// `text` is UTF-8.
  std::vector<int32_t> encode(std::string_view text) const;

 private:
  class Output;

  void encode_unigram(std::string_view text, Output& output) const;
  void encode_merged(std::string_view text, Output& output) const;
  void make_merges(const SentencepieceFile& file);

  CharacterMap characters_;
  SentencepieceFile::Kind kind_;
  PieceTrie pieces_;   // that texts are cut into; of BPE without defined_
  PieceTrie defined_;  // by the model's makers: neither normalised nor merged
  std::vector<double> scores_;
  std::vector<size_t> lengths_;  // of pieces, in bytes
  float unknown_score_ = 0.0F;
  int32_t unknown_ = 0;
  std::optional<std::array<int32_t, 256>> of_byte_;  // what unknown characters become
  Merges merges_;
  // Single characters that are in pieces without being one themselves have ids behind those of pieces.
  std::unordered_map<std::string, int32_t> parts_;
};

}  // namespace strata::data
