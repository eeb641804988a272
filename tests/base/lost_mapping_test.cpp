#include "strata/base/lost_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "support/temp_folder.h"

namespace strata {
namespace {

// Maps it, cuts it, and reads behind its end.
[[noreturn]] void read_what_is_gone(const std::string& path) {
  name_lost_mappings();
  constexpr size_t kSize = 1 << 20;
  const int file = open(path.c_str(), O_RDONLY);
  const void* const bytes = mmap(nullptr, kSize, PROT_READ, MAP_SHARED, file, 0);
  std::filesystem::resize_file(path, 1);
  _exit(static_cast<const volatile char*>(bytes)[kSize - 1]);
}

TEST(LostMapping, IsNamed) {
  const test::TempFolder folder;
  const std::string path = folder / "ids of a run.tokens";
  test::write_file(path, std::string(1 << 20, 'x'));
  EXPECT_EXIT(read_what_is_gone(path), testing::ExitedWithCode(1),
              "error: .*/ids of a run\\.tokens: became shorter, or its storage failed or is full, while it was used");
}

}  // namespace
}  // namespace strata
