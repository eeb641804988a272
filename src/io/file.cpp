#include "strata/io/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "strata/base/check.h"

namespace strata::io {
namespace {

[[noreturn]] void fail(std::string_view action, const std::filesystem::path& path) {
  const int reason = errno;
  throw Error(str("cannot ", action, " ", path.string(), ": ", std::generic_category().message(reason)));
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : value_(open(path.c_str(), flags | O_CLOEXEC)) {
    if (value_ < 0) fail("open", path);
  }
  ~Descriptor() { close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }

 private:
  int value_;
};

constexpr std::string_view kTemporary = ".tmp-";  // then the process and a number

// Not mkstemp: its files are private to the user whatever the umask says.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<int> counter{0};
  return str(path.string(), kTemporary, getpid(), "-", counter++);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) fail("read", path);
  STRATA_CHECK(S_ISREG(status.st_mode), "cannot read ", path.string(), ": not a regular file");
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) return;
  void* mapping = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapping == MAP_FAILED) fail("map", path);
  data_ = static_cast<const char*>(mapping);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<char*>(data_), size_);
}

void MappedFile::release_pages() const {
  if (data_ != nullptr) madvise(const_cast<char*>(data_), size_, MADV_DONTNEED);
}

void read_pieces(const std::filesystem::path& path, const std::function<void(std::string_view)>& take) {
  constexpr size_t kPiece = 1 << 18;
  const Descriptor file(path, O_RDONLY);
  std::string piece(kPiece, '\0');
  while (true) {
    const ssize_t count = read(file.get(), piece.data(), kPiece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read", path);
    if (count == 0) return;
    take(std::string_view(piece).substr(0, static_cast<size_t>(count)));
  }
}

std::string read_text(const std::filesystem::path& path) {
  std::string text;
  read_pieces(path, [&](std::string_view piece) { text.append(piece); });
  return text;
}

// Read, not mapped: a page fault for every few pages would cost more than the copy.
uint64_t checksum(const std::filesystem::path& path) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(state.get());
  read_pieces(path, [&](std::string_view piece) { XXH3_64bits_update(state.get(), piece.data(), piece.size()); });
  return XXH3_64bits_digest(state.get());
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  do {
    temporary_ = temporary_name(path_);
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);  // left by a process that was killed and had our number
  if (descriptor_ < 0) fail("write", path_);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write", path_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void AtomicFile::commit() {
  STRATA_ASSERT(descriptor_ >= 0);
  if (fsync(descriptor_) != 0) fail("write", path_);
  if (close(std::exchange(descriptor_, -1)) != 0) fail("write", path_);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("write", path_);
  temporary_.clear();
  sync_folder(path_.parent_path());
}

std::optional<std::filesystem::path> target_of_temporary(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const size_t mark = name.rfind(kTemporary);
  if (mark == std::string::npos) return std::nullopt;
  if (name.find_first_not_of("0123456789-", mark + kTemporary.size()) != std::string::npos) return std::nullopt;
  return path.parent_path() / name.substr(0, mark);
}

void write_atomically(const std::filesystem::path& path, const std::function<void(AtomicFile&)>& writer) {
  AtomicFile file(path);
  writer(file);
  file.commit();
}

void write_atomically(const std::filesystem::path& path, std::string_view content) {
  write_atomically(path, [&](AtomicFile& file) { file.write(content); });
}

void sync_file(const std::filesystem::path& path) {
  const Descriptor descriptor(path, O_RDONLY);
  if (fsync(descriptor.get()) != 0) fail("sync", path);
}

void sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path named = folder.empty() ? "." : folder;
  const Descriptor descriptor(named, O_RDONLY | O_DIRECTORY);
  // EINVAL: a file system that has nothing to sync for a folder.
  if (fsync(descriptor.get()) != 0 && errno != EINVAL) fail("sync the folder", named);
}

}  // namespace strata::io
