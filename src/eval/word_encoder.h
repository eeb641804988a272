#pragma once

#include <string_view>
#include <vector>

#include "strata/data/tokenizer.h"

namespace strata::eval {

/// The ids of a text, every word encoded by itself, as Hugging Face's T5 tokenizer does (its pre-tokenizer splits at
/// Unicode's white space), so that they do not depend on what stands around the text. For a tokenizer that
/// splits_at_spaces(). Where a word can be cut in equally good ways, sentencepiece's choice within a whole prompt
/// depends on all that stands before it: of MMLU's 14,042 contexts with five examples, 237 come out of it in another
/// order than upstream's, 17 out of this function.
std::vector<int32_t> encode_words(const data::Tokenizer& tokenizer, std::string_view text);

}  // namespace strata::eval
