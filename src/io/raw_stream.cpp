#include "raw_stream.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "strata/base/check.h"

namespace strata::io {
namespace {

class RawStream final : public ByteStream {
 public:
  explicit RawStream(const std::filesystem::path& path) : file_(std::fopen(path.c_str(), "rb"), std::fclose) {
    STRATA_CHECK(file_, path.string(), ": cannot open: ", std::strerror(errno));
    // A folder opens, but cannot be read.
    STRATA_CHECK(!std::filesystem::is_directory(path), path.string(), ": is a folder, not a file");
  }

  size_t read(char* out, size_t size) override {
    const size_t count = std::fread(out, 1, size, file_.get());
    STRATA_CHECK(count > 0 || !std::ferror(file_.get()), "cannot read: ", std::strerror(errno));
    return count;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace

std::unique_ptr<ByteStream> open_raw_stream(const std::filesystem::path& path) {
  return std::make_unique<RawStream>(path);
}

}  // namespace strata::io
