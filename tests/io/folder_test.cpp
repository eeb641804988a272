#include "strata/io/folder.h"

#include "strata/base/check.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

namespace fs = std::filesystem;

using test::write_file;
using testing::HasSubstr;
using testing::ThrowsMessage;

class Folder : public testing::Test {
 protected:
  void write(const fs::path& path, bool replace = false, bool commits = true) const {
    AtomicFolder folder(path, "mark", replace);
    write_file(folder.temporary() / "mark", "new");
    if (commits) folder.commit();
  }

  std::ptrdiff_t num_entries() const {
    return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator());
  }

  test::TempFolder folder_;
};

TEST_F(Folder, IsThereWholeOrNotAtAll) {
  write(folder_ / "out", false, false);
  EXPECT_EQ(num_entries(), 0);
  write(folder_ / "a/b/out/");
  EXPECT_EQ(test::read_file(folder_ / "a/b/out/mark"), "new");
  fs::create_directory(folder_ / "empty");
  write(folder_ / "empty");
  EXPECT_TRUE(fs::exists(folder_ / "empty/mark"));
  EXPECT_EQ(num_entries(), 2);
}

TEST_F(Folder, ReplacesOneOfItsKindWhereItIsToldTo) {
  write_file(folder_ / "out/mark", "old");
  write_file(folder_ / "out/other", "old");
  EXPECT_THAT([&] { write(folder_ / "out"); },
              ThrowsMessage<Error>(HasSubstr("is there already; --force replaces it")));
  write(folder_ / "out", true, false);
  EXPECT_EQ(test::read_file(folder_ / "out/mark"), "old");
  write(folder_ / "out", true);
  EXPECT_EQ(test::read_file(folder_ / "out/mark"), "new");
  EXPECT_FALSE(fs::exists(folder_ / "out/other"));
  EXPECT_EQ(num_entries(), 1);
}

TEST_F(Folder, ReplacesNothingElse) {
  const auto expect_kept = [&](const fs::path& path, const std::string& message) {
    EXPECT_THAT([&] { write(path, true); }, ThrowsMessage<Error>(HasSubstr(message)));
  };
  write_file(folder_ / "letters/letter.txt", "");
  expect_kept(folder_ / "letters", "is no folder of the kind");
  write_file(folder_ / "deep/mark", "");
  write_file(folder_ / "deep/more/file", "");
  expect_kept(folder_ / "deep", "is no folder of the kind");
  expect_kept(folder_ / "letters/letter.txt", "is there and is not a folder");
  fs::create_directory_symlink(folder_ / "letters", folder_ / "link");
  expect_kept(folder_ / "link", "is there and is not a folder");
  expect_kept(folder_ / "letters/letter.txt/out", "cannot make the folder");
  EXPECT_EQ(num_entries(), 3);
}

}  // namespace
}  // namespace strata::io
