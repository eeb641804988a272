#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/merges.h"

namespace strata::data {

/// A token that is looked for in the text before anything else is done to it.
struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool is_special = false;
  bool is_normalised = false;  // looked for in the text as it is after normalisation
};

/// One way of splitting what the ways before it left.
struct Split {
  std::string expression;   // what it matches are pieces, and what lies between; empty: nothing is split
  bool adds_space = false;  // before a piece that begins with none
  std::string place = {};   // "file: part"
};

/// What a tokenizer.json of byte-level BPE says.
struct JsonTokenizer {
  std::vector<std::string> names;   // of each id, as the file writes it
  std::vector<std::string> tokens;  // the bytes that each id stands for
  std::array<int32_t, 256> of_byte{};
  std::vector<Merges::Merge> merges;
  bool ignore_merges = false;  // a word that is a token is that one, however it would be merged
  bool nfc = false;
  std::vector<Split> splits;
  std::vector<AddedToken> added;
  std::vector<int32_t> before, behind;  // what is put around a text
};

/// How GPT-2 splits texts into words.
inline constexpr const char* kGpt2Expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// Reads what the `tokenizers` library writes: models of type BPE over bytes, with the normalizers, pre-tokenizers and
/// post-processors of GPT-2, GPT-NeoX, Llama 3, Qwen2 and SmolLM. Throws Error, one line that begins with `file`, for
/// what is broken, and for any other part by its name: it would give other ids.
JsonTokenizer read_tokenizer_json(std::string_view json, const std::string& file);

}  // namespace strata::data
