#include "strata/io/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "strata/base/check.h"

namespace strata::io {

std::optional<FileLock> FileLock::try_lock(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  STRATA_CHECK(descriptor >= 0, "cannot open ", path.string(), ": ", std::generic_category().message(errno));
  FileLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  STRATA_CHECK(errno == EWOULDBLOCK, "cannot lock ", path.string(), ": ", std::generic_category().message(errno));
  return std::nullopt;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace strata::io
