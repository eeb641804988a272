// strata/io/file.h and io/raw_stream.h without a disk. A mapped file is memory of just its size: AddressSanitizer sees
// what reads beyond.
#include "strata/io/file.h"

#include <algorithm>
#include <map>

#include "fuzz/target.h"
#include "io/raw_stream.h"
#include "strata/base/check.h"

namespace strata {
namespace {

std::map<std::string, std::string>& files() {
  static std::map<std::string, std::string> map;
  return map;
}

}  // namespace

void fuzz::put_file(const std::string& path, std::string bytes) { files()[path] = std::move(bytes); }

const std::string& fuzz::get_file(const std::string& path) {
  const auto found = files().find(path);
  STRATA_CHECK(found != files().end(), "cannot open ", path, ": No such file or directory");
  return found->second;
}

namespace io {
namespace {

class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(const std::string& bytes) : bytes_(bytes) {}

  size_t read(char* out, size_t size) override {
    const size_t count = bytes_.copy(out, size, place_);
    place_ += count;
    return count;
  }

 private:
  std::string bytes_;
  size_t place_ = 0;
};

}  // namespace

std::unique_ptr<ByteStream> open_raw_stream(const std::filesystem::path& path) {
  return std::make_unique<MemoryStream>(fuzz::get_file(path));
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const std::string& bytes = fuzz::get_file(path);
  size_ = bytes.size();
  if (size_ == 0) return;
  auto* const data = new char[size_];
  std::ranges::copy(bytes, data);
  data_ = data;
}

MappedFile::~MappedFile() { delete[] data_; }

void MappedFile::release_pages() const {}

std::string read_text(const std::filesystem::path& path) { return fuzz::get_file(path); }

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_.string() + ".tmp") {
  files()[temporary_].clear();
}

AtomicFile::~AtomicFile() { files().erase(temporary_); }

void AtomicFile::write(std::string_view bytes) { files()[temporary_].append(bytes); }

void AtomicFile::commit() { files()[path_] = files()[temporary_]; }

void write_atomically(const std::filesystem::path& path, const std::function<void(AtomicFile&)>& writer) {
  AtomicFile file(path);
  writer(file);
  file.commit();
}

void write_atomically(const std::filesystem::path& path, std::string_view content) {
  fuzz::put_file(path, std::string(content));
}

}  // namespace io
}  // namespace strata
