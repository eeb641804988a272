#include "strata/io/lines.h"

#include "strata/base/check.h"
#include "support/compress.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

using test::gzip;
using test::TempFolder;
using test::write_file;
using test::zstd;

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  LineReader reader(path);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  EXPECT_EQ(reader.line_number(), static_cast<int64_t>(lines.size()));
  return lines;
}

std::string error_of(const std::filesystem::path& path) {
  return test::error_of([&] { lines_of(path); });
}

const std::vector<std::string> kLines{"first", "", "third, with a \r and a \t", std::string(3'000'000, 'x'), "last"};

std::string text_of_lines() {
  std::string text;
  for (const auto& line : kLines) text += line + "\n";
  return text;
}

TEST(Lines, PlainAndCompressedAgree) {
  TempFolder folder;
  write_file(folder / "a.txt", text_of_lines());
  write_file(folder / "a.txt.gz", gzip(text_of_lines()));
  write_file(folder / "a.txt.zst", zstd(text_of_lines()));
  write_file(folder / "a.txt.zstd", zstd(text_of_lines()));
  for (const char* name : {"a.txt", "a.txt.gz", "a.txt.zst", "a.txt.zstd"}) {
    EXPECT_EQ(lines_of(folder / name), kLines) << name;
  }
}

TEST(Lines, TheLastLineNeedsNoLineFeed) {
  TempFolder folder;
  write_file(folder / "a.txt", "one\ntwo");
  EXPECT_EQ(lines_of(folder / "a.txt"), (std::vector<std::string>{"one", "two"}));
  write_file(folder / "empty.txt", "");
  EXPECT_TRUE(lines_of(folder / "empty.txt").empty());
}

TEST(Lines, TheOneBehindALineThatIsTooLongCanBeRead) {
  TempFolder folder;
  for (const std::string& rest : {std::string(100, 'x'), std::string(3'000'000, 'x')}) {
    write_file(folder / "a.txt", "one\n" + rest + "\nthree\n" + rest);
    LineReader reader(folder / "a.txt", 50);
    std::string line;
    EXPECT_TRUE(reader.next(line));
    EXPECT_THAT(test::error_of([&] { reader.next(line); }), testing::EndsWith("a.txt:2: is longer than 50 bytes"));
    ASSERT_TRUE(reader.next(line));
    EXPECT_EQ(line, "three");
    EXPECT_EQ(reader.line_number(), 3);
    EXPECT_THROW(reader.next(line), LineTooLong);
    EXPECT_FALSE(reader.next(line));
  }
}

TEST(Lines, SeveralGzipMembersAreOneStream) {
  TempFolder folder;
  write_file(folder / "a.gz", gzip("one\ntw") + gzip("o\nthree\n"));
  EXPECT_EQ(lines_of(folder / "a.gz"), (std::vector<std::string>{"one", "two", "three"}));
}

TEST(Lines, SeveralZstdFramesAreOneStream) {
  TempFolder folder;
  write_file(folder / "a.zst", zstd("one\ntw") + zstd("") + zstd("o\nthree\n"));
  EXPECT_EQ(lines_of(folder / "a.zst"), (std::vector<std::string>{"one", "two", "three"}));
}

// A zstd frame by hand, with a window of 2^log bytes and the number of a dictionary (0: none): the library's own writer
// takes as much memory as the window.
std::string zstd_frame(int log, char dictionary, const std::string& content) {
  const auto size = static_cast<uint32_t>(content.size()) << 3U | 1U;  // of the last block, raw
  std::string frame = "\x28\xB5\x2F\xFD";
  frame += static_cast<char>(dictionary == 0 ? 0 : 1);
  frame += static_cast<char>((log - 10) << 3);
  if (dictionary != 0) frame += dictionary;
  for (int byte = 0; byte < 3; ++byte) frame += static_cast<char>(size >> (8 * byte) & 255U);
  return frame + content;
}

TEST(Lines, SkippableZstdFramesAreSkipped) {
  TempFolder folder;
  const std::string skippable = std::string("\x50\x2A\x4D\x18\x05\0\0\0", 8) + "12345";
  write_file(folder / "a.zst", skippable + zstd("one\ntw") + skippable + skippable + zstd("o\n") + skippable);
  EXPECT_EQ(lines_of(folder / "a.zst"), (std::vector<std::string>{"one", "two"}));
  write_file(folder / "a.zst", skippable);
  EXPECT_TRUE(lines_of(folder / "a.zst").empty());
  write_file(folder / "a.zst", zstd("one\n") + skippable.substr(0, 10));
  EXPECT_THAT(error_of(folder / "a.zst"), testing::HasSubstr("a.zst:2: truncated zstd"));
}

TEST(Lines, ZstdWindowsOfAnySizeThatItsProgramWritesAreRead) {
  TempFolder folder;
  for (const int log : {10, 27, 28, 31}) {
    write_file(folder / "a.zst", zstd_frame(log, 0, "one\ntwo\n") + zstd("three\n"));
    EXPECT_EQ(lines_of(folder / "a.zst"), (std::vector<std::string>{"one", "two", "three"})) << log;
  }
  write_file(folder / "a.zst", zstd_frame(32, 0, "one\n"));
  EXPECT_THAT(error_of(folder / "a.zst"), testing::HasSubstr("a.zst:1: zstd: its window is larger than 2^31 bytes"));
}

TEST(Lines, ZstdWithADictionaryIsRefused) {
  TempFolder folder;
  write_file(folder / "a.zst", zstd("one\n") + zstd_frame(20, 7, "two\n"));
  EXPECT_THAT(error_of(folder / "a.zst"), testing::HasSubstr("a.zst:2: zstd: it was compressed with a dictionary"));
}

// A cut download must never pass for a short file, wherever it was cut.
void expect_errors_where_cut(const std::filesystem::path& path, const std::string& whole, const char* problem) {
  for (size_t size = 0; size < whole.size(); ++size) {
    write_file(path, whole.substr(0, size));
    EXPECT_THAT(error_of(path), testing::HasSubstr(problem)) << size << " of " << whole.size();
  }
}

TEST(Lines, EveryTruncationOfAGzipFileIsAnError) {
  TempFolder folder;
  expect_errors_where_cut(folder / "a.gz", gzip("one\ntwo\nthree\n"), "truncated gzip");
}

TEST(Lines, EveryTruncationOfAZstdFileIsAnError) {
  TempFolder folder;
  expect_errors_where_cut(folder / "a.zst", zstd("one\ntwo\nthree\n"), "truncated zstd");
  std::string lines;
  for (int i = 0; i < 100'000; ++i) lines += std::to_string(i * 7919 % 100'003) + "\n";
  const std::string large = zstd(lines);
  ASSERT_GT(large.size(), 100'000U);
  for (const size_t size : {size_t{1000}, large.size() / 2, large.size() - 4, large.size() - 1}) {
    write_file(folder / "a.zst", large.substr(0, size));
    EXPECT_THAT(error_of(folder / "a.zst"), testing::HasSubstr("truncated zstd")) << size;
  }
}

TEST(Lines, DamageNamesPathAndLine) {
  TempFolder folder;
  std::string lines;
  for (int i = 0; i < 100'000; ++i) lines += std::to_string(i) + "\n";
  const std::string whole = gzip(lines);
  write_file(folder / "cut.gz", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error_of(folder / "cut.gz"), testing::MatchesRegex(".*/cut.gz:[0-9]{5}: truncated gzip.*"));
  std::string damaged = whole;
  damaged[damaged.size() - 6] ^= 1;  // in the CRC
  write_file(folder / "crc.gz", damaged);
  EXPECT_THAT(error_of(folder / "crc.gz"), testing::HasSubstr("corrupt gzip: incorrect data check"));
}

TEST(Lines, WhatIsNoZstdIsRefused) {
  TempFolder folder;
  write_file(folder / "page.zst", "<html>404</html>");
  EXPECT_THAT(error_of(folder / "page.zst"), testing::HasSubstr("page.zst:1: corrupt zstd: Unknown frame descriptor"));
  write_file(folder / "tail.zst", zstd("one\n") + "garbage");
  EXPECT_THAT(error_of(folder / "tail.zst"), testing::HasSubstr("corrupt zstd"));
  std::string damaged = zstd("one\ntwo\nthree\n");
  damaged[damaged.size() - 2] ^= 1;  // in the checksum
  write_file(folder / "crc.zst", damaged);
  EXPECT_THAT(error_of(folder / "crc.zst"), testing::HasSubstr("corrupt zstd: Restored data doesn't match checksum"));
}

TEST(Lines, WhatIsNoGzipIsRefused) {
  TempFolder folder;
  write_file(folder / "page.gz", "<html>404</html>");
  EXPECT_THAT(error_of(folder / "page.gz"), testing::HasSubstr("page.gz:1: corrupt gzip"));
  write_file(folder / "tail.gz", gzip("one\n") + "garbage");
  EXPECT_THAT(error_of(folder / "tail.gz"), testing::HasSubstr("corrupt gzip"));
}

TEST(Lines, MissingFilesAndFoldersAreNamed) {
  TempFolder folder;
  EXPECT_THAT(error_of(folder / "none.txt"), testing::HasSubstr("none.txt: cannot open: No such file"));
  EXPECT_THAT(error_of(folder.path()), testing::HasSubstr("is a folder"));
}

}  // namespace
}  // namespace strata::io
