#include "strata/eval/harness.h"

#include <nlohmann/json.hpp>

#include "strata/eval/results.h"
#include "support/asked.h"
#include "support/temp_folder.h"

namespace strata::eval {
namespace {

using strata::test::asked_items;
using strata::test::TestModel;

constexpr int64_t kLongest = 128;
const ScoringOptions kOptions{.max_length = kLongest};

std::vector<AskedTask> two_tasks() {
  return {{.name = "one", .has_acc_norm = true, .sets = {{.name = "one", .items = asked_items(9, 1)}}},
          {.name = "parts",
           .has_acc_norm = false,
           .sets = {{.name = "parts_a", .items = asked_items(5, 2)}, {.name = "parts_b", .items = asked_items(7, 3)}}}};
}

class Harness : public testing::Test {
 protected:
  Harness() : made_(strata::test::scoring_model({.max_tokens = 512, .longest_row = kLongest, .trees = true})) {
    strata::test::randomise(made_.model.parameters(), 3);
  }

  std::vector<ScoredTask> run(ScoreFile& known, const WhenSome& when_some = {}) {
    return evaluate_tasks(made_.model, tasks_, kOptions, *workers_, known, when_some);
  }
  std::vector<ScoredTask> run() {
    ScoreFile none;
    return run(none);
  }

  std::vector<AskedTask> tasks_ = two_tasks();
  std::unique_ptr<workers::Communicator> workers_ = workers::alone();
  TestModel made_;
};

TEST_F(Harness, PredictsTheLikeliest) {
  for (const ScoredTask& task : run()) {
    int64_t items = 0, right = 0, right_norm = 0;
    for (const ScoredSet& set : task.sets) {
      const auto& asked = tasks_[task.name == "one" ? 0 : 1].sets[set.name == "parts_b" ? 1 : 0].items;
      for (size_t doc = 0; doc < set.items.size(); ++doc) {
        const ScoredItem& item = set.items[doc];
        for (size_t choice = 0; choice < item.log_likelihoods.size(); ++choice) {
          const auto best = static_cast<size_t>(item.prediction), best_norm = static_cast<size_t>(item.prediction_norm);
          EXPECT_LE(item.log_likelihoods[choice], item.log_likelihoods[best]);
          EXPECT_LE(item.log_likelihoods[choice] / static_cast<double>(asked[doc].choice_characters[choice]),
                    item.log_likelihoods[best_norm] / static_cast<double>(asked[doc].choice_characters[best_norm]));
        }
        ++items;
        right += item.prediction == asked[doc].gold ? 1 : 0;
        right_norm += item.prediction_norm == asked[doc].gold ? 1 : 0;
      }
    }
    EXPECT_DOUBLE_EQ(task.acc.value, static_cast<double>(right) / static_cast<double>(items));
    EXPECT_DOUBLE_EQ(task.acc_norm.value, static_cast<double>(right_norm) / static_cast<double>(items));
  }
}

// lm_eval's sample_stddev / sqrt(n) for one set, its pooled_sample_stderr for two.
TEST_F(Harness, StandardErrorsAreUpstreams) {
  const auto scored = run();
  const double p = scored[0].acc.value;
  EXPECT_DOUBLE_EQ(*scored[0].acc.standard_error, std::sqrt(p * (1.0 - p) / 8.0));
  const double a = *scored[1].sets[0].acc.standard_error, b = *scored[1].sets[1].acc.standard_error;
  EXPECT_DOUBLE_EQ(*scored[1].acc.standard_error, std::sqrt((4.0 * a * a * 5.0 + 6.0 * b * b * 7.0) / 10.0 / 12.0));
}

TEST_F(Harness, ATieIsTheFirstOfEquals) {
  tasks_.pop_back();
  Request& first = tasks_[0].sets[0].items[0].choices[0];
  for (Request& choice : tasks_[0].sets[0].items[0].choices) choice = first;
  EXPECT_EQ(run()[0].sets[0].items[0].prediction, 0);
}

TEST_F(Harness, GoesOnWhereItWasInterrupted) {
  const std::string expected = to_json(run()).dump();
  const strata::test::TempFolder folder;
  const auto path = folder / "partial";
  struct Interrupted {};
  int64_t scored = 0;
  const auto interrupt_after = [&](int64_t count) {
    return [&scored, count](const AskedTask&, int64_t) {
      if (++scored == count) throw Interrupted{};
    };
  };
  {
    ScoreFile known(path, "e", *workers_);
    EXPECT_THROW(run(known, interrupt_after(13)), Interrupted);
  }
  strata::test::write_file(path, strata::test::read_file(path) + R"({"set":"parts_b","doc":6,"requ)");  // cut short
  ScoreFile known(path, "e", *workers_);
  EXPECT_EQ(known.num_found(), 13);
  scored = 0;
  EXPECT_EQ(to_json(run(known, interrupt_after(-1))).dump(), expected);
  EXPECT_EQ(scored, 21 - 13);
  known.remove();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Harness, TakesNoScoresOfOtherQuestionsOrEvaluations) {
  const strata::test::TempFolder folder;
  const auto path = folder / "partial";
  {
    ScoreFile known(path, "e", *workers_);
    run(known);
  }
  tasks_[0].sets[0].items[4].choices[1].continuation.push_back(7);
  {
    ScoreFile known(path, "e", *workers_);
    EXPECT_EQ(known.num_found(), 21);
    int64_t scored = 0;
    const std::string again = to_json(run(known, [&](const AskedTask&, int64_t) { ++scored; })).dump();
    EXPECT_EQ(scored, 1);
    EXPECT_EQ(again, to_json(run()).dump());
  }
  testing::internal::CaptureStderr();
  EXPECT_EQ(ScoreFile(path, "another", *workers_).num_found(), 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("the scores of another evaluation"));
}

TEST_F(Harness, ResultsAsJsonAndAsTables) {
  tasks_[1].sets[0].items.resize(1);
  const auto scored = run();
  const auto json = to_json(scored);
  EXPECT_EQ(json["one"]["items"].size(), 9U);
  EXPECT_EQ(json["one"]["items"][3]["log_likelihoods"].get<LogLikelihoods>(),
            scored[0].sets[0].items[3].log_likelihoods);
  EXPECT_TRUE(json["one"]["items"][0].contains("prediction_norm"));
  EXPECT_FALSE(json["parts"].contains("acc_norm"));
  EXPECT_EQ(json["parts"]["items"][1]["set"], "parts_b");
  EXPECT_EQ(json["parts"]["items"][1]["doc"], 0);
  EXPECT_TRUE(json["parts"]["sets"]["parts_a"]["acc_stderr"].is_null());  // of a single item
  const std::string table = table_of(scored).text();
  EXPECT_THAT(table, testing::HasSubstr("parts              8   25.00\n"));
  EXPECT_THAT(table, testing::HasSubstr("average of 2"));
  std::vector<ScoredTask> worse = scored;
  worse[0].acc.value -= 0.125;
  EXPECT_THAT(table_of_drops(scored, {{.layer = 2, .tasks = worse}}).text(),
              testing::HasSubstr("2               -12.50   +0.00     -6.25"));
}

}  // namespace
}  // namespace strata::eval
