#include "strata/train/checkpoint/retention.h"

#include "strata/train/checkpoint/checkpoint.h"
#include "support/temp_folder.h"

namespace strata::train {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<int64_t> kSteps{10, 20, 30, 40, 50};
const std::map<int64_t, double> kLosses{{10, 3.0}, {20, 1.0}, {30, 2.0}, {40, 2.0}};

TEST(Retention, KeepsTheNewestMilestonesAndTheBest) {
  EXPECT_THAT(steps_to_remove({.keep = 0}, kSteps, kLosses), IsEmpty());
  EXPECT_THAT(steps_to_remove({.keep = 2}, kSteps, kLosses), ElementsAre(10, 20, 30));
  EXPECT_THAT(steps_to_remove({.keep = 9}, kSteps, kLosses), IsEmpty());
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_every = 20}, kSteps, kLosses), ElementsAre(10, 30));
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_best = 1}, kSteps, kLosses), ElementsAre(10, 30, 40));
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_best = 2}, kSteps, kLosses), ElementsAre(10, 40));
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_best = 9}, kSteps, kLosses), IsEmpty());
  EXPECT_THAT(steps_to_remove({.keep = 1, .keep_best = 9}, kSteps, {}), ElementsAre(10, 20, 30, 40));
}

// The best checkpoint is not known then.
TEST(Retention, RemovesNothingWhereTheLossesCannotBeRead) {
  const test::TempFolder run;
  for (const int64_t step : {1, 2, 3}) std::filesystem::create_directories(checkpoint_path(run.path(), step));
  std::filesystem::create_directory(run / "eval.jsonl");
  EXPECT_THROW(prune_checkpoints(run.path(), {.keep = 1, .keep_best = 1}), Error);
  EXPECT_EQ(checkpoints_of(run.path()).size(), 3U);
  std::filesystem::remove(run / "eval.jsonl");
  test::write_file(run / "eval.jsonl", "{\"step\": 1, \"loss\": 2.0}\n{\"step\": 2, \"loss\": 3.0}\n");
  prune_checkpoints(run.path(), {.keep = 1, .keep_best = 1});
  EXPECT_THAT(checkpoints_of(run.path()), ElementsAre(checkpoint_path(run.path(), 1), checkpoint_path(run.path(), 3)));
}

}  // namespace
}  // namespace strata::train
