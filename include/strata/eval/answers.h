#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "strata/data/samples/questions.h"
#include "strata/data/tokenizer.h"
#include "strata/nn/model.h"
#include "strata/workers/communicator.h"

namespace strata::eval {

struct AnswerOptions {
  int64_t most_tokens = 32;  // of an answer
  int64_t batch = 16;        // questions that are answered together: the model has to hold so many of its longest rows
  std::function<void(int64_t question, int64_t of)> tell = {};  // of this worker's batches, the first question of each
};

/// How many questions were answered right: by the model, and by who only knows the training samples' answers.
struct AnswerScores {
  int64_t questions = 0;
  int64_t right = 0;
  int64_t majority_right = 0;             // with the answer that is right most often
  int64_t majority_of_options_right = 0;  // with the one that is right most often where there are the same options
};

/// What is meant by a text: the option that comes first in it as a word, upper or lower case alike; empty: none does.
std::string answer_in(const std::string& text, const data::Question& question);

/// Greedy answers to the first `count` questions. A collective: batches of questions are dealt out to the workers, and
/// the same questions are always answered together.
AnswerScores answer_questions(nn::Model& model, const data::Questions& questions, int64_t count,
                              const data::Tokenizer& tokenizer, const AnswerOptions& options,
                              workers::Communicator& workers);

}  // namespace strata::eval
