#pragma once

#include "data/tokenizer/json_part.h"
#include "data/tokenizer/json_tokenizer.h"

namespace strata::data {

/// Reads `model` and `added_tokens`: names, tokens, of_byte, merges, ignore_merges, added.
void read_vocabulary(const JsonPart& root, JsonTokenizer& made);

}  // namespace strata::data
