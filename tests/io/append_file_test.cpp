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
  EXPECT_EQ(JsonLines(path, "step", 9).last(), 1);
}

}  // namespace
}  // namespace strata::io
