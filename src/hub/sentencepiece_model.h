#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::hub {

/// What tokenizer.json needs to know of a unigram model, which sentencepiece itself does not tell.
struct SentencepieceModel {
  struct Piece {
    std::string text;
    float score = 0.0F;
    bool is_special = false;  // control pieces and the unknown one
  };
  std::vector<Piece> pieces;
  std::string character_map;  // normalisation, precompiled; empty: none
  bool byte_fallback = false;
};

/// Reads a sentencepiece model file's bytes. Throws Error, naming `path`, for what is none, and for what tokenizer.json
/// says in another way than T5's: other kinds of models, pieces that its makers defined, text that keeps its spaces.
SentencepieceModel read_sentencepiece_model(std::string_view bytes, const std::string& path);

std::string base64(std::string_view bytes);

}  // namespace strata::hub
