#include "strata/eval/answers.h"

#include <ATen/ops/argmax.h>

#include <algorithm>
#include <random>

#include "strata/norm/make.h"
#include "support/data_fixtures.h"
#include "support/models.h"
#include "support/workers.h"

namespace strata::eval {
namespace {

using data::test::small_tokenizer;
using strata::test::TestModel;

constexpr int64_t kLongest = 24, kMostTokens = 10;

TEST(AnswerIn, IsTheFirstOptionThatIsAWord) {
  const data::Question question{
      .prompt = {}, .answer = "solution1", .options = {"solution1", "solution2"}, .majority = ""};
  const auto in = [&](const std::string& text) { return answer_in(text, question); };
  EXPECT_EQ(in("the correct answer is solution2, not solution1"), "solution2");
  EXPECT_EQ(in("Solution1."), "solution1");
  EXPECT_EQ(in("solution12 solution_2 resolution1"), "");
  EXPECT_EQ(in("solution12 or solution2"), "solution2");
  EXPECT_EQ(in("yes"), "");
  EXPECT_EQ(in(""), "");
}

TEST(AnswerIn, KnowsTheRightAnswerWhereItIsNoOption) {
  const data::Question question{.prompt = {}, .answer = "false", .options = {"true"}, .majority = ""};
  EXPECT_EQ(answer_in("it is False", question), "false");
  EXPECT_EQ(answer_in("true or false", question), "true");
}

// A random model that ends an answer every now and then.
TestModel made_model() {
  config::ModelConfig dims = strata::test::tiny_dims();
  dims.vocab = 200;
  config::NormConfig norm;
  norm.scheme = "pre+gpas";
  return {nn::describe(dims, norm),
          {.limits = {.max_tokens = 16 * kLongest, .longest_row = kLongest}, .loss_chunk = 24},
          "tiles"};
}

void fill(nn::Model& model) {
  strata::test::randomise(model.parameters(), 11);
  model.parameters().value("lm_head.weight")[data::Tokenizer::kEos].mul_(3.0);
}

// The whole row again for every token.
std::vector<int32_t> answer_slowly(nn::Model& model, const data::Question& question) {
  std::vector<int64_t> row(question.prompt.begin(), question.prompt.end());
  std::vector<int32_t> answer;
  while (std::ssize(row) < kLongest && std::ssize(answer) < kMostTokens) {
    const at::Tensor logits_NV = model.logits_NV(data::TokenBatch::from_rows({row}, nullptr, 200));
    row.push_back(logits_NV[logits_NV.size(0) - 1].argmax().item<int64_t>());
    answer.push_back(static_cast<int32_t>(row.back()));
    if (answer.back() == data::Tokenizer::kEos) break;
  }
  return answer;
}

// Prompts of every length; the right answer of two out of three is all that the model says.
struct Asked {
  explicit Asked(nn::Model& model) {
    std::mt19937 random(3);
    questions.majority = "other";
    for (int64_t i = 0; i < 40; ++i) {
      data::Question question{.prompt = {}, .answer = "other", .options = {}, .majority = i % 5 == 0 ? "other" : "no"};
      for (int64_t t = 0; t < 1 + i % kLongest; ++t)
        question.prompt.push_back(static_cast<int32_t>(3 + random() % 197));
      const std::vector<int32_t> ids = answer_slowly(model, question);
      const std::string text = small_tokenizer()->decode(ids);
      if (i % 3 > 0 && !text.empty()) question.answer = text;
      const bool is_right = answer_in(text, question) == question.answer;
      ended += ids.empty() || ids.back() != data::Tokenizer::kEos ? 0 : 1;
      expected.right += is_right ? 1 : 0;
      expected.majority_right += question.answer == "other" ? 1 : 0;
      expected.majority_of_options_right += question.answer == question.majority ? 1 : 0;
      right.push_back(is_right);
      questions.questions.push_back(question);
    }
    expected.questions = 40;
  }

  data::Questions questions;
  AnswerScores expected;
  std::vector<bool> right;
  int64_t ended = 0;
};

// Once per process.
const Asked& asked() {
  static const Asked made = [] {
    TestModel test = made_model();
    fill(test.model);
    return Asked(test.model);
  }();
  return made;
}

void expect_equal(const AnswerScores& scores, const AnswerScores& expected) {
  EXPECT_EQ(scores.questions, expected.questions);
  EXPECT_EQ(scores.right, expected.right);
  EXPECT_EQ(scores.majority_right, expected.majority_right);
  EXPECT_EQ(scores.majority_of_options_right, expected.majority_of_options_right);
}

TEST(Answers, AreThoseOfOneQuestionAtATime) {
  TestModel test = made_model();
  fill(test.model);
  ASSERT_GT(asked().ended, 3) << "some answers end by themselves";
  ASSERT_LT(asked().ended, 30) << "and some do not";
  ASSERT_GT(asked().expected.right, 15);
  ASSERT_LT(asked().expected.right, 30);
  const auto alone = workers::alone();
  for (const int64_t batch : {1, 3, 16}) {
    SCOPED_TRACE(batch);
    const AnswerOptions options{.most_tokens = kMostTokens, .batch = batch};
    expect_equal(answer_questions(test.model, asked().questions, 100, *small_tokenizer(), options, *alone),
                 asked().expected);
    const auto first = answer_questions(test.model, asked().questions, 7, *small_tokenizer(), options, *alone);
    EXPECT_EQ(first.questions, 7);
    EXPECT_EQ(first.right, std::count(asked().right.begin(), asked().right.begin() + 7, true));
  }
}

TEST(Answers, EndWhereTheyMust) {
  TestModel test = made_model();
  fill(test.model);
  const auto right = [&](int64_t most_tokens) {
    const AnswerOptions options{.most_tokens = most_tokens, .batch = 16};
    return answer_questions(test.model, asked().questions, 40, *small_tokenizer(), options, *workers::alone()).right;
  };
  EXPECT_EQ(right(0), 0);
  EXPECT_LT(right(2), asked().expected.right);
}

// Of five questions, one batch: the second worker has none.
TEST(Answers, AreTheSameOfSeveralWorkers) {
  TestModel test = made_model();
  fill(test.model);
  strata::test::as_workers(2, [&](workers::Communicator& workers) {
    TestModel mine = made_model();
    fill(mine.model);
    const auto answer = [&](int64_t count, int64_t batch) {
      const AnswerOptions options{.most_tokens = kMostTokens, .batch = batch};
      return answer_questions(mine.model, asked().questions, count, *small_tokenizer(), options, workers);
    };
    for (const int64_t batch : {3, 16}) expect_equal(answer(40, batch), asked().expected);
    EXPECT_EQ(answer(5, 16).right, std::count(asked().right.begin(), asked().right.begin() + 5, true));
  });
}

}  // namespace
}  // namespace strata::eval
