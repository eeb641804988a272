#include "strata/base/log.h"

#include <gmock/gmock.h>

#include "support/temp_folder.h"

namespace strata {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Log, WritesToAFileAsLongAsItLives) {
  const test::TempFolder folder;
  {
    const log::File file(folder / "log.txt");
    log::info("while it lives");
  }
  log::info("when it is gone");
  EXPECT_THAT(test::read_file(folder / "log.txt"), HasSubstr("while it lives"));
  EXPECT_THAT(test::read_file(folder / "log.txt"), Not(HasSubstr("when it is gone")));
}

// Tests write to a file or a pipe.
TEST(Log, ShowsProgressInLinesWhereThereIsNoTerminal) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(log::progress_interval(), 5.0);
  EXPECT_FALSE(log::Pace().is_due());
  log::progress({{"one"}, {"1 s left"}, {"(1 %)"}});
  log::info("a message");
  log::progress({{"two"}});
  log::end_progress();
  log::say("a header\nof two lines\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "one  1 s left (1 %)\ntwo\na header\nof two lines\n");
}

TEST(Log, TheFileHasAllThatIsSaid) {
  const test::TempFolder folder;
  testing::internal::CaptureStdout();
  {
    const log::File file(folder / "log.txt");
    log::say("the header");
    log::progress({{"step 1/2"}});
    log::warn("a warning");
  }
  testing::internal::GetCapturedStdout();
  const std::string text = test::read_file(folder / "log.txt");
  for (const char* part : {"  the header\n", "  step 1/2\n", "  warning: a warning\n"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Log, LeavesOutWhatANarrowTerminalHasNoRoomFor) {
  const std::vector<log::Part> parts{{"step 1/9", 3}, {"loss 3.5", 2}, {"lr 1e-4"}, {"(2 %)"}, {"9s left", 3}};
  EXPECT_EQ(log::fitted(parts, 80), "step 1/9  loss 3.5  lr 1e-4 (2 %)  9s left");
  EXPECT_EQ(log::fitted(parts, 41), "step 1/9  loss 3.5  lr 1e-4  9s left");
  EXPECT_EQ(log::fitted(parts, 30), "step 1/9  loss 3.5  9s left");
  EXPECT_EQ(log::fitted(parts, 20), "step 1/9  9s left");
  EXPECT_EQ(log::fitted(parts, 3), "step 1/9");
}

TEST(Log, EscapesInNamesReachNoTerminal) {
  testing::internal::CaptureStderr();
  log::error("cannot open a\x1b[2Jb");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "error: cannot open a\\x1b[2Jb\n");
}

}  // namespace
}  // namespace strata
