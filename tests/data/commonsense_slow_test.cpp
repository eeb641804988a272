// All of Commonsense170K as a run would read it.

#include <chrono>
#include <iostream>

#include "strata/base/threads.h"
#include "strata/data/samples/blocks.h"
#include "strata/data/samples/questions.h"
#include "support/test_data.h"

namespace strata::data {
namespace {

using config::SamplePacking;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void expect_full_blocks(const SampleSet& set) {
  for (const SamplePacking packing : {SamplePacking::kSamples, SamplePacking::kStream}) {
    const auto start = Clock::now();
    const SampleBlocks blocks(set.training(), packing, 512);
    const double fill = static_cast<double>(set.statistics().tokens) / static_cast<double>(512 * blocks.size());
    std::cout << blocks.size() << " blocks in " << seconds_since(start) << " s, filled to " << fill << "\n";
    EXPECT_GT(fill, 0.94);
    int64_t targets = 0;
    for (int64_t block = 0; block < blocks.size(); ++block) {
      EXPECT_LE(blocks.num_tokens(block), 512);
      targets += blocks.num_targets(block);
    }
    EXPECT_LE(targets, set.statistics().scored_tokens);
    EXPECT_GT(targets, set.statistics().scored_tokens * 99 / 100);
  }
}

// The files name the answers that there are in each question, so the right one is nearly always among them.
void expect_answerable(const Questions& questions, const SampleSet& set) {
  EXPECT_EQ(std::ssize(questions.questions), set.statistics().held_out);
  double among = 0, guessed = 0, several = 0;
  for (const Question& question : questions.questions) {
    among += std::ranges::count(question.options, question.answer) > 0 ? 1 : 0;
    several += question.options.size() > 1 ? 1 : 0;
    guessed += question.majority == question.answer ? 1 : 0;
  }
  const auto all = static_cast<double>(questions.questions.size());
  std::cout << all << " questions; shares: answer among the options " << among / all << ", several options "
            << several / all << ", majority is right " << guessed / all << "; overall " << questions.majority << "\n";
  EXPECT_GT(several / all, 0.99);
  EXPECT_GT(among / all, 0.99);
  EXPECT_GT(guessed / all, 0.2);
  EXPECT_LT(guessed / all, 0.7);
}

TEST(Commonsense, BecomesSamples) {
  STRATA_NEEDS_TEST_DATA();
  const Tokenizer tokenizer(test::test_data() / "t5/spiece.model");
  auto start = Clock::now();
  const auto records = read_instructions({(test::test_data() / "commonsense/commonsense_train.json.gz").string()});
  std::cout << records.size() << " records read in " << seconds_since(start) << " s\n";
  start = Clock::now();
  const SampleSet set(records, PromptTemplate("alpaca"), tokenizer, {.sequence_length = 512, .holdout = 0.01});
  const SampleStatistics& statistics = set.statistics();
  std::cout << "tokenised in " << seconds_since(start) << " s on " << num_threads()
            << " threads: " << statistics.samples << " samples, " << statistics.tokens << " tokens, "
            << statistics.scored_tokens << " scored (" << 100 * statistics.scored_share() << " %), "
            << statistics.truncated << " truncated, " << statistics.left_out << " left out, " << statistics.held_out
            << " held out\n";
  EXPECT_EQ(statistics.samples + statistics.held_out + statistics.left_out, 107'675);
  EXPECT_LT(statistics.truncated + statistics.left_out, 107'675 / 100);
  expect_full_blocks(set);
  start = Clock::now();
  const Questions questions = questions_of(set, records);
  std::cout << "questions in " << seconds_since(start) << " s\n";
  expect_answerable(questions, set);
}

}  // namespace
}  // namespace strata::data
