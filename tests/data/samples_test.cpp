#include "strata/data/samples/samples.h"

#include <numeric>
#include <set>
#include <span>

#include "support/data_fixtures.h"
#include "support/sample_fixtures.h"

namespace strata::data {
namespace {

using config::ScoredTokens;
using test::error_of;
using test::made_up_records;
using testing::ElementsAre;
using testing::StrEq;

SampleSet samples_of(const std::vector<Instruction>& records, const SampleOptions& options = {}) {
  return {records, PromptTemplate("alpaca"), *test::small_tokenizer(), options};
}

std::vector<int32_t> encoded(const std::string& text) { return test::small_tokenizer()->encode(text); }

std::set<int64_t> records_of(const std::vector<Sample>& samples) {
  std::set<int64_t> records;
  for (const Sample& sample : samples) records.insert(sample.record);
  return records;
}

const std::vector<Instruction> kTwoTurns{{.turns = {{"bafo", "", "dugu"}, {"kilo", "mena", "peru"}}, .answer = ""}};

// Every id of a record of two turns, and whether it is scored.
TEST(Samples, ResponsesAreScored) {
  const PromptTemplate alpaca("alpaca");
  std::vector<int32_t> ids, scored;
  for (const Turn& turn : kTwoTurns[0].turns) {
    for (const int32_t id : encoded(alpaca.prompt(turn))) {
      ids.push_back(id);
      scored.push_back(0);
    }
    auto response = encoded(turn.output);
    response.push_back(Tokenizer::kEos);
    for (const int32_t id : response) {
      ids.push_back(id);
      scored.push_back(1);
    }
  }
  for (const ScoredTokens what : {ScoredTokens::kResponse, ScoredTokens::kAll}) {
    if (what == ScoredTokens::kAll) std::ranges::fill(scored, 1);
    const SampleSet set = samples_of(kTwoTurns, {.scored = what});
    ASSERT_EQ(set.training().size(), 1U);
    const Sample& sample = set.training()[0];
    EXPECT_EQ(sample.ids, ids);
    EXPECT_EQ(sample.prompt, std::ssize(encoded(alpaca.prompt(kTwoTurns[0].turns[0]))));
    for (int64_t i = 0; i < std::ssize(ids); ++i) {
      EXPECT_EQ(sample.num_scored(i, i + 1), scored[static_cast<size_t>(i)]) << i;
    }
    EXPECT_EQ(sample.num_targets(), std::accumulate(scored.begin() + 1, scored.end(), 0));
    EXPECT_FALSE(sample.truncated);
  }
}

// At every length: what is left is the beginning, and it counts only where a target is left.
TEST(Samples, AreCutOnTheRight) {
  const SampleSet whole_set = samples_of(kTwoTurns);
  const Sample& whole = whole_set.training()[0];
  const auto size = std::ssize(whole.ids);
  for (int64_t length = 2; length <= size + 1; ++length) {
    const SampleOptions options{.sequence_length = length};
    if (length <= whole.prompt) {
      EXPECT_THAT(
          error_of([&] { samples_of(kTwoTurns, options); }),
          StrEq(str("data.sequence_length=", length, " ends before the response in all of the 1 records of sft.data")));
      continue;
    }
    const SampleSet set = samples_of(kTwoTurns, options);
    const Sample& cut = set.training()[0];
    EXPECT_TRUE(std::ranges::equal(cut.ids, std::span(whole.ids).first(std::min(length, size))));
    EXPECT_EQ(cut.truncated, length < size);
    EXPECT_EQ(set.statistics().truncated, length < size ? 1 : 0);
    for (int64_t i = 0; i < std::ssize(cut.ids); ++i) EXPECT_EQ(cut.num_scored(i, i + 1), whole.num_scored(i, i + 1));
    EXPECT_LE(cut.scored.back().end, length);
  }
}

TEST(Samples, TheSplitIsAFunctionOfTheSeed) {
  const auto records = made_up_records(200);
  const SampleSet set = samples_of(records, {.holdout = 0.1, .seed = 3});
  EXPECT_EQ(set.held_out().size(), 20U);
  EXPECT_EQ(set.training().size(), 180U);
  auto all = records_of(set.training());
  all.merge(records_of(set.held_out()));
  EXPECT_EQ(all.size(), 200U);

  const SampleSet few = samples_of(records, {.holdout = 0.1, .limit = 50, .seed = 3});
  EXPECT_EQ(records_of(few.held_out()), records_of(set.held_out()));
  ASSERT_EQ(few.training().size(), 50U);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(few.training()[i].record, set.training()[i].record);
  EXPECT_EQ(samples_of(records, {.limit = 500}).training().size(), 200U);

  EXPECT_NE(records_of(samples_of(records, {.holdout = 0.1, .seed = 4}).held_out()), records_of(set.held_out()));
  EXPECT_THAT(error_of([&] { samples_of(made_up_records(1), {.holdout = 0.9}); }),
              StrEq("sft.holdout=0.9 keeps all of the 1 records"));
  EXPECT_THAT(error_of([&] { samples_of({}); }), StrEq("sft.data: the files hold no record"));
}

TEST(Samples, StayInTheOrderOfTheRecordsUnshuffled) {
  const auto records = made_up_records(50);
  for (const bool shuffle : {true, false}) {
    const SampleSet set = samples_of(records, {.holdout = 0.2, .shuffle = shuffle, .seed = 3});
    EXPECT_EQ(std::ranges::is_sorted(set.training(), {}, &Sample::record), !shuffle);
    EXPECT_EQ(std::ranges::is_sorted(set.held_out(), {}, &Sample::record), !shuffle);
    EXPECT_EQ(records_of(set.held_out()).size(), 10U);
  }
}

TEST(Samples, StatisticsCountWhatThereIs) {
  auto records = made_up_records(90);
  records[5].turns = {{.instruction = test::made_up_text(1, 900), .input = "", .output = "x"}};
  const SampleSet set = samples_of(records, {.sequence_length = 300, .holdout = 0.1, .seed = 1});
  const SampleStatistics& statistics = set.statistics();
  EXPECT_EQ(statistics.samples, std::ssize(set.training()));
  EXPECT_EQ(statistics.held_out, std::ssize(set.held_out()));
  EXPECT_GE(statistics.left_out, 1);
  EXPECT_EQ(statistics.left_out, 90 - statistics.samples - statistics.held_out);
  int64_t tokens = 0, scored = 0, truncated = 0;
  for (const Sample& sample : set.training()) {
    tokens += std::ssize(sample.ids);
    scored += sample.num_targets();
    truncated += sample.truncated ? 1 : 0;
  }
  for (const Sample& sample : set.held_out()) truncated += sample.truncated ? 1 : 0;
  EXPECT_EQ(statistics.tokens, tokens);
  EXPECT_EQ(statistics.scored_tokens, scored);
  EXPECT_EQ(statistics.truncated, truncated);
  EXPECT_GT(truncated, 0);
  EXPECT_DOUBLE_EQ(statistics.scored_share(), static_cast<double>(scored) / static_cast<double>(tokens));
}

TEST(Samples, TheFingerprintTellsDataApart) {
  const auto records = made_up_records(40);
  const SampleOptions options{.holdout = 0.1, .seed = 3};
  const auto of = [&](SampleOptions changed) { return samples_of(records, changed).fingerprint(); };
  std::set<uint64_t> prints{of(options)};
  EXPECT_TRUE(prints.contains(of(options)));
  const auto is_new = [&](uint64_t print) { return prints.insert(print).second; };
  EXPECT_TRUE(is_new(of({.sequence_length = 300, .holdout = 0.1, .seed = 3})));
  EXPECT_TRUE(is_new(of({.scored = ScoredTokens::kAll, .holdout = 0.1, .seed = 3})));
  EXPECT_TRUE(is_new(of({.holdout = 0.2, .seed = 3})));
  EXPECT_TRUE(is_new(of({.holdout = 0.1, .limit = 35, .seed = 3})));
  EXPECT_TRUE(is_new(of({.holdout = 0.1, .shuffle = false, .seed = 3})));
  EXPECT_TRUE(is_new(of({.holdout = 0.1, .seed = 4})));
  const SampleSet plain(records, PromptTemplate("plain"), *test::small_tokenizer(), options);
  EXPECT_TRUE(is_new(plain.fingerprint()));
  auto changed = records;
  changed[17].turns[0].output += " bafo";
  EXPECT_TRUE(is_new(samples_of(changed, options).fingerprint()));
}

}  // namespace
}  // namespace strata::data
