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
  log::progress("one");
  log::info("a message");
  log::progress("two");
  log::end_progress();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "one\ntwo\n");
}

}  // namespace
}  // namespace strata
