#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/data/samples/instructions.h"
#include "strata/data/samples/samples.h"

namespace strata::data {

/// A held-out sample whose right answer is known.
struct Question {
  std::vector<int32_t> prompt;  // ids, fewer than the sequence length
  std::string answer;
  /// Answers of training samples that stand as whole words in the instructions or inputs, upper or lower case alike
  /// ("solution1/solution2" has two), sorted. Where training samples have more than 100 different answers: the own one.
  std::vector<std::string> options;
  /// What is right most often for training samples with these options: what a guess without reading would say.
  std::string majority;
};

struct Questions {
  std::vector<Question> questions;  // in the order of the held-out samples
  std::string majority;             // the most frequent answer of training samples; empty where they have none
};

/// Where `word` stands in `text` as a whole word, upper or lower case alike; npos: nowhere.
size_t find_word(std::string_view text, std::string_view word);

/// The questions among the held-out samples of `set`, which was made from `records`. Majorities are the first in
/// alphabetical order where several answers are as frequent, and the overall one where no training sample has these
/// options or options are not looked for.
Questions questions_of(const SampleSet& set, const std::vector<Instruction>& records);

}  // namespace strata::data
