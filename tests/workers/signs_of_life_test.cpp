#include "strata/workers/signs_of_life.h"

#include "support/errors.h"

namespace strata::workers {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::Optional;
using Doing = Sign::Doing;

constexpr double kTimeout = 60.0;
constexpr double kCourtesy = 3.0;

std::vector<Introduction> workers(int count) {
  std::vector<Introduction> all;
  for (int rank = 0; rank < count; ++rank) all.push_back({.host = rank < 2 ? "a" : "b", .pid = 70 + rank});
  return all;
}

// Workers that all give signs of life, second by second, except those told otherwise.
class Watched {
 public:
  Watched(int count, int mine) : signs_(workers(count), mine, kTimeout), last_(static_cast<size_t>(count)) {
    for (int rank = 0; rank < count; ++rank) say(rank, 14, Doing::kWaiting);
  }

  void say(int rank, int64_t step, Doing doing) {
    Sign& sign = last_[static_cast<size_t>(rank)];
    sign.step = step;
    sign.doing = doing;
    ++sign.progress;
  }
  void lose(int rank) { lost_.push_back(rank); }

  void pass(double seconds) {
    for (const double end = now_ + seconds; now_ < end; now_ += 1.0) {
      for (int rank = 0; rank < static_cast<int>(last_.size()); ++rank) {
        if (std::ranges::find(lost_, rank) != lost_.end()) continue;
        ++last_[static_cast<size_t>(rank)].alive;
        signs_.hear(rank, last_[static_cast<size_t>(rank)], now_);
      }
    }
  }
  std::optional<std::string> verdict() const { return signs_.verdict(now_, kCourtesy); }
  std::string description() const { return signs_.describe(now_); }

 private:
  SignsOfLife signs_;
  std::vector<Sign> last_;
  std::vector<int> lost_;
  double now_ = 0.0;
};

TEST(Sign, SurvivesText) {
  const Sign sign = sign_of_text(to_text({.alive = 3, .progress = 5, .step = 14, .doing = Doing::kLeft}));
  EXPECT_EQ(sign.alive, 3);
  EXPECT_EQ(sign.progress, 5);
  EXPECT_EQ(sign.step, 14);
  EXPECT_EQ(sign.doing, Doing::kLeft);
}

TEST(Sign, IsNotAnyText) {
  for (const char* text : {"", "1 2 3", "1 2 3 3", "1 2 3 -1", "1 2 3 1 4", "a b c d"}) {
    EXPECT_THAT(test::error_of([&] { sign_of_text(text); }), HasSubstr("is no worker's sign of life")) << text;
  }
}

TEST(SignsOfLife, SayNothingWhileAllIsWell) {
  Watched workers(4, 0);
  for (int64_t step = 1; step < 5; ++step) {
    for (int rank = 0; rank < 4; ++rank) workers.say(rank, step, Doing::kComputing);
    workers.pass(50);
    EXPECT_EQ(workers.verdict(), std::nullopt);
  }
}

TEST(SignsOfLife, NameARankThatIsLost) {
  Watched workers(4, 0);
  workers.pass(1);
  workers.lose(2);
  workers.say(0, 15, Doing::kComputing);
  workers.pass(50);
  workers.say(0, 15, Doing::kWaiting);
  EXPECT_EQ(workers.verdict(), std::nullopt);
  workers.pass(9);
  EXPECT_THAT(workers.verdict(), Optional(Eq("rank 2 (host b, pid 72): no sign of life for 60 s; it was last heard in "
                                             "step 14")));
}

TEST(SignsOfLife, NameARankThatWasNeverHeard) {
  Watched workers(3, 0);
  workers.lose(1);
  workers.pass(60);
  EXPECT_THAT(workers.verdict(), Optional(Eq("rank 1 (host a, pid 71): no sign of life for 60 s; it was never heard")));
}

TEST(SignsOfLife, NameARankThatIsStuckAndNotThoseThatWaitForIt) {
  Watched workers(4, 0);
  workers.say(3, 14, Doing::kComputing);
  workers.pass(60);
  EXPECT_THAT(workers.verdict(), Optional(Eq("rank 3 (host b, pid 73): stuck in step 14 for 60 s")));
}

TEST(SignsOfLife, NameTogetherWhoDiedTogether) {
  Watched workers(4, 0);
  workers.pass(1);
  workers.lose(3);
  workers.pass(1);
  workers.lose(1);
  workers.pass(58);
  EXPECT_THAT(workers.verdict(), Optional(testing::AllOf(HasSubstr("rank 1 (host a, pid 71): no sign of life for 59 s"),
                                                         HasSubstr("; rank 3 (host b, pid 73): no sign"))));
}

TEST(SignsOfLife, LetTheLowestThatIsFineSpeakFirst) {
  Watched second(3, 1);
  Watched last(3, 2);
  for (Watched* workers : {&second, &last}) {
    workers->pass(1);
    workers->lose(0);
    workers->pass(59);
  }
  EXPECT_THAT(second.verdict(), Optional(HasSubstr("rank 0")));
  EXPECT_EQ(last.verdict(), std::nullopt);
  last.pass(kCourtesy);
  EXPECT_THAT(last.verdict(), Optional(HasSubstr("rank 0 (host a, pid 70): no sign of life for 63 s")));
}

TEST(SignsOfLife, EndARankThatIsStuckItselfAfterTheOthers) {
  Watched workers(2, 0);
  workers.say(0, 14, Doing::kComputing);
  workers.pass(60);
  EXPECT_EQ(workers.verdict(), std::nullopt);
  workers.pass(kCourtesy);
  EXPECT_THAT(workers.verdict(), Optional(Eq("rank 0 (host a, pid 70): stuck in step 14 for 63 s")));
}

TEST(SignsOfLife, TellThatAllWaitForEachOther) {
  Watched workers(4, 0);
  workers.say(3, 13, Doing::kWaiting);
  workers.pass(59);
  EXPECT_EQ(workers.verdict(), std::nullopt);
  workers.pass(1);
  EXPECT_THAT(workers.verdict(), Optional(Eq("all workers have waited for each other for 60 s: rank 3 in step 13; "
                                             "ranks 0-2 in step 14")));
}

TEST(SignsOfLife, DoNotMissWhoHasLeft) {
  Watched workers(3, 0);
  workers.say(2, 14, Doing::kLeft);
  workers.say(0, 14, Doing::kComputing);
  workers.pass(1);
  workers.lose(2);
  workers.pass(30);
  workers.say(0, 15, Doing::kComputing);
  workers.pass(31);
  EXPECT_EQ(workers.verdict(), std::nullopt);
  EXPECT_THAT(workers.description(), HasSubstr("rank 2 (host b, pid 72) has left the run"));
}

TEST(SignsOfLife, DescribeThoseThatDoNotWait) {
  Watched workers(4, 0);
  workers.pass(1);
  EXPECT_EQ(workers.description(), "all workers wait for each other");
  workers.lose(1);
  workers.say(3, 15, Doing::kComputing);
  workers.pass(12);
  EXPECT_EQ(workers.description(),
            "rank 1 (host a, pid 71) gave no sign of life for 13 s; it was last heard in step 14; rank 3 (host b, pid "
            "73) has computed in step 15 for 12 s");
}

TEST(SignsOfLife, AreShortOfManyWorkers) {
  Watched workers(20, 0);
  for (int rank = 0; rank < 20; ++rank) workers.say(rank, 1, Doing::kComputing);
  workers.pass(1);
  EXPECT_THAT(workers.description(), testing::EndsWith("; and 12 more"));
}

}  // namespace
}  // namespace strata::workers
