#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace strata::test {

/// A tokenizer.json in GPT-2's form: the 256 bytes in the order of their signs' code points (ids 0 to 255), what
/// `merges` make ("t h", "th e"), and <|endoftext|>.
nlohmann::json tokenizer_json(const std::vector<std::string>& merges = {"t h", "th e", "\u0120 the", "a a", "aa aa"});

/// The same in Llama 3's form: its expression, no merges for words that are tokens, <|begin_of_text|> before a text.
nlohmann::json llama_tokenizer_json();

}  // namespace strata::test
