#include "strata/io/append_file.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/io/json_lines.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

using strata::test::read_file;
using strata::test::TempFolder;
using strata::test::write_file;

TEST(AppendFile, GrowsAtItsEnd) {
  const TempFolder folder;
  AppendFile(folder / "f").append("one ");
  AppendFile file(folder / "f");
  file.append("two");
  file.append("");
  file.flush();
  EXPECT_EQ(read_file(folder / "f"), "one two");
}

// /dev/full answers every write as a full disk does.
TEST(AppendFile, KeepsWhatCannotBeWritten) {
  AppendFile file("/dev/full");
  file.append("never lost");
  EXPECT_THROW(file.flush(), Error);
  EXPECT_THROW(AppendFile("/proc/no/such/file"), Error);
}

TEST(JsonLines, CutsWhatCameAfterTheCheckpoint) {
  const TempFolder folder;
  const auto path = folder / "f";
  {
    JsonLines lines(path, "step", 0);
    EXPECT_EQ(lines.last(), std::nullopt);
    for (int step = 1; step <= 5; ++step) lines.append({{"step", step}, {"x", 1.5}});
    EXPECT_EQ(lines.last(), 5);
  }
  const std::string five = read_file(path);
  EXPECT_EQ(JsonLines(path, "step", 3).last(), 3);
  EXPECT_EQ(read_file(path), five.substr(0, five.size() / 5 * 3));
  write_file(path, five.substr(0, five.size() - 1));  // the last line is cut
  EXPECT_EQ(JsonLines(path, "step", 9).last(), 4);
  write_file(path, five.substr(0, five.size() / 5) + "{\"step\": \"2\"}\n" + five);
  EXPECT_EQ(JsonLines(path, "step", 9).last(), 5);
}

// A crash of the machine may leave noughts, and an editor an empty line.
TEST(JsonLines, KeepsAllButWhatIsDamaged) {
  const TempFolder folder;
  const auto path = folder / "f";
  const std::string one = "{\"step\": 1}\n", two = "{\"step\": 2, \"loss\": null}\n", three = "{\"step\": 3}\n";
  write_file(path, one + "\n" + two + std::string(5, '\0') + "\n[3]\n{\"loss\": 3}\n" + three + "rest");
  testing::internal::CaptureStderr();
  EXPECT_EQ(JsonLines(path, "step", 9).last(), 3);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            str("warning: ", path.string(),
                ":2: not a line that a run wrote; 4 such lines are left out, all others are kept\n"));
  EXPECT_EQ(read_file(path), one + two + three);
  testing::internal::CaptureStderr();
  EXPECT_EQ(JsonLines(path, "step", 2).last(), 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(read_file(path), one + two);
}

// What cannot be read is not begun anew: a folder answers reads with an error.
TEST(JsonLines, RefusesWhatItCannotRead) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "f");
  EXPECT_THROW(JsonLines(folder / "f", "step", 9), Error);
}

}  // namespace
}  // namespace strata::io
