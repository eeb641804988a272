#pragma once

#include <nlohmann/json_fwd.hpp>

#include "data/tokenizer/sentencepiece_file.h"
#include "strata/data/tokenizer.h"

namespace strata::hub {

/// The tokenizer.json with the ids of a sentencepiece model, whose file `model` is. What differs: there a special token
/// written out in a text is this token. Throws Error, beginning with the file, for what a tokenizer.json cannot say:
/// kinds other than unigram and BPE, pieces that its makers defined or left unused, spaces dropped otherwise than T5
/// does, spaces behind words.
nlohmann::json tokenizer_json(const data::SentencepieceFile& model, const data::Tokenizer& tokenizer);

/// Whether transformers' T5Tokenizer is the class for it.
bool is_like_t5(const data::SentencepieceFile& model, const data::Tokenizer& tokenizer);

}  // namespace strata::hub
