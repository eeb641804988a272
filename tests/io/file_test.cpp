#include "strata/io/file.h"

#include <sys/resource.h>

#include <csignal>

#include "strata/base/check.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

size_t files_in(const test::TempFolder& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

// As long as it lives no file may grow beyond `bytes`: what a full disk does to a writer.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST(AtomicFile, ReplacesTheFileAndLeavesNothingElse) {
  const test::TempFolder folder;
  test::write_file(folder / "a", "old");
  write_atomically(folder / "a", [](AtomicFile& file) {
    file.write("ne");
    file.write("w");
  });
  EXPECT_EQ(test::read_file(folder / "a"), "new");
  EXPECT_EQ(files_in(folder), 1);
}

TEST(AtomicFile, FullDiskKeepsTheOldFile) {
  const test::TempFolder folder;
  test::write_file(folder / "a", "old");
  const std::string large(2 << 20, 'x');
  {
    const FileSizeLimit limit(1 << 20);
    EXPECT_THAT([&] { write_atomically(folder / "a", large); },
                ThrowsMessage<Error>(testing::AllOf(HasSubstr((folder / "a").string()), HasSubstr("File too large"))));
  }
  EXPECT_EQ(test::read_file(folder / "a"), "old");
  EXPECT_EQ(files_in(folder), 1);
}

TEST(AtomicFile, WriterThatThrowsKeepsTheOldFile) {
  const test::TempFolder folder;
  test::write_file(folder / "a", "old");
  const auto failing = [](AtomicFile& file) {
    file.write("new");
    throw Error("stop");
  };
  EXPECT_THROW(write_atomically(folder / "a", failing), Error);
  EXPECT_EQ(test::read_file(folder / "a"), "old");
  EXPECT_EQ(files_in(folder), 1);
}

// The rename itself fails: a folder with something in it has the name.
TEST(AtomicFile, FailedRenameLeavesNoTemporaryFile) {
  const test::TempFolder folder;
  test::write_file(folder / "a/b", "old");
  EXPECT_THROW(write_atomically(folder / "a", "new"), Error);
  EXPECT_EQ(test::read_file(folder / "a/b"), "old");
  EXPECT_EQ(files_in(folder), 1);
}

TEST(AtomicFile, MissingFolderIsNamed) {
  const test::TempFolder folder;
  EXPECT_THAT([&] { write_atomically(folder / "none/a", "new"); },
              ThrowsMessage<Error>(HasSubstr("none/a: No such file or directory")));
}

TEST(MappedFile, ShowsTheContent) {
  const test::TempFolder folder;
  test::write_file(folder / "a", std::string("a\0b", 3));
  test::write_file(folder / "empty", "");
  EXPECT_EQ(MappedFile(folder / "a").view(), std::string_view("a\0b", 3));
  EXPECT_EQ(MappedFile(folder / "empty").size(), 0);
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const test::TempFolder folder;
  EXPECT_THAT([&] { MappedFile(folder.path()); }, ThrowsMessage<Error>(HasSubstr("not a regular file")));
  EXPECT_THAT([&] { MappedFile(folder / "none"); }, ThrowsMessage<Error>(HasSubstr("No such file or directory")));
}

// Longer than the pieces that it is read in.
TEST(ReadText, ReadsAllOfIt) {
  const test::TempFolder folder;
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i);
  test::write_file(folder / "a", content);
  EXPECT_EQ(read_text(folder / "a"), content);
  EXPECT_THAT([&] { read_text(folder.path()); }, ThrowsMessage<Error>(HasSubstr("Is a directory")));
}

}  // namespace
}  // namespace strata::io
