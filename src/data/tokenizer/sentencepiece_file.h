#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::data {

/// What a sentencepiece model's file says, which the library itself does not tell.
struct SentencepieceFile {
  enum class Kind : uint8_t { kUnigram = 1, kBpe = 2, kWord = 3, kCharacter = 4 };
  enum class PieceType : uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };
  struct Piece {
    std::string text;
    float score = 0.0F;
    PieceType type = PieceType::kNormal;

    bool is_special() const { return type == PieceType::kUnknown || type == PieceType::kControl; }
  };

  std::vector<Piece> pieces;
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;
  bool space_is_suffix = false;
  std::string character_map;  // normalisation, precompiled; empty: none
  bool adds_prefix = true;    // a space before the text
  bool drops_spaces = true;   // at both ends, and beside another
  bool escapes_spaces = true;
};

/// Reads a model file's bytes. Throws Error, naming `path`, for what is none.
SentencepieceFile read_sentencepiece_file(std::string_view bytes, const std::string& path);

}  // namespace strata::data
