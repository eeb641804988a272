#include "strata/eval/answers.h"

#include <ATen/ops/argmax.h>

#include <algorithm>

#include "strata/base/text.h"

namespace strata::eval {
namespace {

// A row that grows by what the model answers.
struct Answer {
  const data::Question* question;
  std::vector<int64_t> row;
  std::vector<int32_t> tokens = {};
  bool ended = false;
};

// One token more for each that has not ended.
void extend(nn::Model& model, std::vector<Answer>& answers, std::optional<int32_t> end) {
  data::TokenRows rows;
  for (const Answer& answer : answers) {
    if (!answer.ended) rows.push_back(answer.row);
  }
  const auto batch = data::TokenBatch::from_rows(rows, nullptr, model.spec().dims.vocab);
  const at::Tensor ids_R = model.last_logits_RV(model.upload(batch)).argmax(1).cpu();
  const auto* next = ids_R.const_data_ptr<int64_t>();
  for (Answer& answer : answers) {
    if (answer.ended) continue;
    answer.row.push_back(*next);
    answer.tokens.push_back(static_cast<int32_t>(*next++));
    answer.ended = answer.tokens.back() == end;
  }
}

std::vector<Answer> answer_all(nn::Model& model, std::span<const data::Question> questions,
                               const AnswerOptions& options, std::optional<int32_t> end) {
  std::vector<Answer> answers;
  for (const data::Question& question : questions) {
    answers.push_back({.question = &question, .row = {question.prompt.begin(), question.prompt.end()}});
  }
  const auto longest = static_cast<size_t>(model.limits().longest_row);
  for (int64_t token = 0; token < options.most_tokens; ++token) {
    for (Answer& answer : answers) answer.ended |= answer.row.size() >= longest;
    if (std::ranges::all_of(answers, &Answer::ended)) break;
    extend(model, answers, end);
  }
  return answers;
}

}  // namespace

std::string answer_in(const std::string& text, const data::Question& question) {
  std::vector<std::string> options = question.options;
  options.push_back(question.answer);
  std::string found;
  size_t first = std::string::npos;
  for (const std::string& option : options) {
    const size_t place = data::find_word(text, option);
    if (place < first) {
      first = place;
      found = option;
    }
  }
  return found;
}

AnswerScores answer_questions(nn::Model& model, const data::Questions& questions, int64_t count,
                              const data::Tokenizer& tokenizer, const AnswerOptions& options,
                              workers::Communicator& workers) {
  const std::span<const data::Question> asked(questions.questions.data(),
                                              std::min(questions.questions.size(), static_cast<size_t>(count)));
  AnswerScores scores{.questions = std::ssize(asked)};
  for (int64_t begin = workers.rank() * options.batch; begin < scores.questions;
       begin += workers.world_size() * options.batch) {
    workers.get_on();
    if (options.tell) options.tell(begin, scores.questions);
    const auto size = static_cast<size_t>(std::min(options.batch, scores.questions - begin));
    for (const Answer& answer :
         answer_all(model, asked.subspan(static_cast<size_t>(begin), size), options, tokenizer.eos())) {
      const std::string& right = answer.question->answer;
      scores.right += answer_in(tokenizer.decode(answer.tokens), *answer.question) == right ? 1 : 0;
      scores.majority_right += questions.majority == right ? 1 : 0;
      scores.majority_of_options_right += answer.question->majority == right ? 1 : 0;
    }
  }
  const std::vector<double> sums =
      workers::sum_of_numbers(workers, {static_cast<double>(scores.right), static_cast<double>(scores.majority_right),
                                        static_cast<double>(scores.majority_of_options_right)});
  scores.right = static_cast<int64_t>(sums[0]);
  scores.majority_right = static_cast<int64_t>(sums[1]);
  scores.majority_of_options_right = static_cast<int64_t>(sums[2]);
  return scores;
}

}  // namespace strata::eval
