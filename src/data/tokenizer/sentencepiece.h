#pragma once

#include <memory>

#include "data/tokenizer/model.h"

namespace strata::data {

/// What sentencepiece's library makes of a model's bytes; `path` begins messages. adds_bos, adds_eos: whether the
/// tokenizer itself puts its tokens around a text; nothing: as those that first had such models do, Llama with a bos,
/// T5 without one and with an eos. Texts are only ever text.
/// Throws Error for what is no sentencepiece model.
std::unique_ptr<TokenizerModel> open_sentencepiece(std::string_view bytes, const std::string& path,
                                                   std::optional<bool> adds_bos, std::optional<bool> adds_eos);

}  // namespace strata::data
