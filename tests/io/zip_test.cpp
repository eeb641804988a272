#include "strata/io/zip.h"

#include "support/errors.h"
#include "support/temp_folder.h"
#include "support/zip.h"

namespace strata::io {
namespace {

using test::error_of;
using test::TempFolder;

constexpr int64_t kMost = 1'000'000;

const std::string kLong = [] {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i * i) + ",";
  return text;
}();

TempFolder& folder() {
  static TempFolder folder;
  return folder;
}

std::filesystem::path archive() {
  test::write_zip(folder() / "a.zip",
                  {{"data/", ""}, {"data/long.csv", kLong}, {"../up.csv", "b"}, {"data/empty.csv", ""}});
  return folder() / "a.zip";
}

TEST(Zip, GivesNamesAndContents) {
  const ZipReader zip(archive());
  EXPECT_THAT(zip.names(), testing::ElementsAre("data/long.csv", "../up.csv", "data/empty.csv"));
  EXPECT_EQ(zip.read("data/long.csv", kMost), kLong);
  EXPECT_EQ(zip.read("../up.csv", kMost), "b");
  EXPECT_EQ(zip.read("data/empty.csv", 0), "");
}

TEST(Zip, NamesWhatIsNotThere) {
  EXPECT_THAT(error_of([] { ZipReader(folder() / "none.zip"); }), testing::HasSubstr("none.zip: cannot read"));
  const ZipReader zip(archive());
  EXPECT_THAT(error_of([&] { zip.read("data/other.csv", kMost); }),
              testing::HasSubstr("a.zip: data/other.csv: No such file"));
}

TEST(Zip, ReadsNoMoreThanItMay) {
  const ZipReader zip(archive());
  EXPECT_EQ(zip.read("data/long.csv", std::ssize(kLong)), kLong);
  EXPECT_THAT(error_of([&] { zip.read("data/long.csv", std::ssize(kLong) - 1); }),
              testing::EndsWith("a.zip: data/long.csv: has more than the " + std::to_string(kLong.size() - 1) +
                                " bytes that it may have"));
}

// Whatever byte is wrong: an error, or the right content where the byte says nothing about it (a time).
TEST(Zip, NeverGivesWrongContent) {
  const std::string whole = test::read_file(archive());
  int refused = 0;
  for (size_t place = 0; place < whole.size(); place += place < 200 || whole.size() - place < 400 ? 1 : 997) {
    std::string bytes = whole;
    bytes[place] = static_cast<char>(bytes[place] ^ 0x41);
    test::write_file(folder() / "b.zip", bytes);
    const std::string problem = error_of([&] {
      const ZipReader zip(folder() / "b.zip");
      EXPECT_EQ(zip.read("data/long.csv", kMost), kLong) << place;
    });
    refused += problem == "no error" ? 0 : 1;
    if (problem != "no error") {
      EXPECT_THAT(problem, testing::HasSubstr("b.zip: ")) << place;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Zip, EveryTruncationIsAnError) {
  const std::string whole = test::read_file(archive());
  for (size_t size = 0; size < whole.size(); size += 1 + whole.size() / 200) {
    test::write_file(folder() / "c.zip", whole.substr(0, size));
    EXPECT_THAT(error_of([&] { ZipReader(folder() / "c.zip").read("data/long.csv", kMost); }),
                testing::HasSubstr("c.zip: "))
        << size;
  }
}

}  // namespace
}  // namespace strata::io
