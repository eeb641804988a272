#include "strata/data/samples/questions.h"

#include "support/data_fixtures.h"

namespace strata::data {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Instruction asks(const std::string& instruction, const std::string& answer, const std::string& input = "") {
  return {.turns = {{instruction, input, "bafo"}}, .answer = answer};
}

// The first records are trained on, the last ones held out: a set of the records' own making.
struct Asked {
  Asked(std::vector<Instruction> all, double holdout, uint64_t seed = 0)
      : records(std::move(all)),
        set(records, PromptTemplate("plain"), *test::small_tokenizer(), {.holdout = holdout, .seed = seed}),
        questions(questions_of(set, records)) {}

  std::vector<Instruction> records;
  SampleSet set;
  Questions questions;
};

// Half of the records are held out: each kind of record is on both sides.
std::vector<Instruction> many(const std::vector<Instruction>& kinds, int times) {
  std::vector<Instruction> records;
  for (int i = 0; i < times; ++i) records.insert(records.end(), kinds.begin(), kinds.end());
  return records;
}

TEST(Questions, OptionsAreWholeWordsOfTheQuestion) {
  const Asked asked(many({asks("format: solution1/Solution2", "solution1"), asks("solution12 or", "solution2", "true?"),
                          asks("untrue, TRUE_, true1, vraitrueé", "true"), asks("", "no one", "No one, noone")},
                         50),
                    0.5);
  ASSERT_EQ(asked.questions.questions.size(), 100U);
  for (const Question& question : asked.questions.questions) {
    if (question.answer == "solution1") {
      EXPECT_THAT(question.options, ElementsAre("solution1", "solution2"));
    }
    if (question.answer == "solution2") {
      EXPECT_THAT(question.options, ElementsAre("true"));
    }
    if (question.answer == "true") {
      EXPECT_THAT(question.options, IsEmpty());
    }
    if (question.answer == "no one") {
      EXPECT_THAT(question.options, ElementsAre("no one"));
    }
  }
}

TEST(Questions, PromptsAreThoseOfTheSamples) {
  const Asked asked(many({asks("bafo dugu", "a"), asks("kilo", "")}, 30), 0.5, 2);
  const PromptTemplate plain("plain");
  const auto prompt = test::small_tokenizer()->encode(plain.prompt(asked.records[0].turns[0]));
  size_t next = 0;
  for (const Sample& sample : asked.set.held_out()) {
    if (asked.records[static_cast<size_t>(sample.record)].answer.empty()) continue;
    EXPECT_EQ(asked.questions.questions.at(next++).prompt, prompt);
  }
  EXPECT_EQ(next, asked.questions.questions.size());
}

// Among questions with the same options, and over all.
TEST(Questions, MajoritiesAreThoseOfTheTrainingSamples) {
  const Asked asked(
      many({asks("yes or no", "no"), asks("yes or no?", "no"), asks("yes/no", "yes"), asks("left|right", "left"),
            asks("maybe right, or left", "right"), asks("LEFT right!", "right"), asks("none", "no")},
           60),
      0.5);
  EXPECT_EQ(asked.questions.majority, "no");
  for (const Question& question : asked.questions.questions) {
    const bool is_direction = question.answer == "left" || question.answer == "right";
    EXPECT_EQ(question.majority, is_direction ? "right" : "no");
  }
}

TEST(Questions, EqualFrequenciesAndUnknownOptionsAreDecided) {
  std::vector<Instruction> records(20, asks("x", "b"));
  for (int i = 0; i < 20; ++i) records.push_back(asks("x", "a"));
  const Asked asked(records, 0.0);
  EXPECT_EQ(asked.questions.majority, "a");
  EXPECT_THAT(asked.questions.questions, IsEmpty());
  EXPECT_EQ(Asked({asks("x", ""), asks("x", "")}, 0.5).questions.majority, "");

  // One record has options that no training sample has: whichever seed holds it out.
  std::vector<Instruction> rare = many({asks("a", "a"), asks("b", "b"), asks("a", "a")}, 10);
  rare.push_back(asks("a b", "b"));
  int seen = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const Question& question : Asked(rare, 0.5, seed).questions.questions) {
      if (question.options.size() == 2) {
        EXPECT_EQ(question.majority, "a");
        ++seen;
      }
    }
  }
  EXPECT_GT(seen, 0);
}

TEST(Questions, FreeAnswersHaveNoOptions) {
  std::vector<Instruction> records;
  for (int i = 0; i < 300; ++i) records.push_back(asks("what of 1 2 3?", std::to_string(i % 250)));
  for (int i = 0; i < 60; ++i) records.push_back(asks("what of 1 2 3?", "7"));
  const Asked asked(records, 0.2);
  ASSERT_EQ(asked.questions.questions.size(), 72U);
  for (const Question& question : asked.questions.questions) {
    EXPECT_THAT(question.options, ElementsAre(question.answer));
    EXPECT_EQ(question.majority, "7");
  }
}

}  // namespace
}  // namespace strata::data
