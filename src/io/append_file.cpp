#include "strata/io/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "strata/base/check.h"
#include "strata/base/log.h"

namespace strata::io {
namespace {

std::string complaint(const std::filesystem::path& path, int reason) {
  return str("cannot write ", path.string(), ": ", std::generic_category().message(reason));
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  STRATA_CHECK(descriptor_ >= 0, complaint(path_, errno));
}

AppendFile::~AppendFile() { close(descriptor_); }

void AppendFile::append(std::string_view bytes) {
  waiting_.append(bytes);
  const int reason = write_waiting();
  if (reason != 0 && !has_warned_) log::warn(complaint(path_, reason) + "; it is kept and tried again");
  has_warned_ = reason != 0;
}

void AppendFile::flush() {
  const int reason = write_waiting();
  STRATA_CHECK(reason == 0, complaint(path_, reason));
}

int AppendFile::write_waiting() {
  while (!waiting_.empty()) {
    const ssize_t count = write(descriptor_, waiting_.data(), waiting_.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    waiting_.erase(0, static_cast<size_t>(count));
  }
  return 0;
}

}  // namespace strata::io
