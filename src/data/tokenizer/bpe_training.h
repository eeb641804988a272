#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace strata::data {

/// Tokens that byte-pair encoding learns, as rows of signs for bytes.
struct LearnedMerges {
  std::vector<std::string> tokens;  // the 256 signs in the order of their code points, then what was merged
  std::vector<std::string> merges;  // "left right", the first ones first
};

/// Joins the pair of neighbouring tokens that is most frequent in `words` (their bytes, and how often there are), of
/// equal ones that with the smaller ids, until there are `count` tokens or no pair is there twice: what Hugging Face's
/// trainer learns.
LearnedMerges learn_merges(const std::unordered_map<std::string, int64_t>& words, int64_t count);

}  // namespace strata::data
