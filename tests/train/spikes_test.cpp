#include "strata/train/spikes.h"

namespace strata::train {
namespace {

const config::SpikeConfig kConfig{.action = config::SpikeAction::kWarn, .window = 4, .sigma = 3.0};

TEST(Spikes, ScoresAreZScoresOfAFullWindow) {
  SpikeWindow window;
  for (const double loss : {2.0, 4.0, 4.0}) remember(kConfig, window, loss, 1.0);
  EXPECT_EQ(score(kConfig, window, 100.0, 100.0).highest(), 0.0);
  remember(kConfig, window, 6.0, 3.0);
  const SpikeScores scores = score(kConfig, window, 4.0 + 2.0 * std::sqrt(2.0), 1.0);
  EXPECT_DOUBLE_EQ(scores.loss, 2.0);  // mean 4, variance 2
  EXPECT_LT(scores.grad_norm, 0.0);
  EXPECT_DOUBLE_EQ(scores.highest(), 2.0);
}

TEST(Spikes, TheWindowForgetsTheOldest) {
  SpikeWindow window;
  for (int step = 0; step < 10; ++step) remember(kConfig, window, step, -step);
  EXPECT_EQ(window.losses, (std::vector<double>{6, 7, 8, 9}));
  EXPECT_EQ(window.grad_norms, (std::vector<double>{-6, -7, -8, -9}));
}

// Nothing can be said about values that never varied; and without an action nothing is kept.
TEST(Spikes, NothingVariesOrNothingIsWatched) {
  SpikeWindow window;
  for (int step = 0; step < 4; ++step) remember(kConfig, window, 1.0, 1.0);
  EXPECT_EQ(score(kConfig, window, 5.0, 5.0).highest(), 0.0);
  SpikeWindow unwatched;
  remember({}, unwatched, 1.0, 1.0);
  EXPECT_EQ(unwatched, SpikeWindow{});
}

}  // namespace
}  // namespace strata::train
