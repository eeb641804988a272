#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace strata::io {

/// A whole file mapped for reading. It must not shrink while it is mapped.
/// Throws Error with the path and the system's reason if it cannot be opened or is not a regular file.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {data_, size_}; }

  /// What was read so far need not stay resident; it comes again where it is touched again.
  void release_pages() const;

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

/// Gives the content of a file or pipe to `take`, a piece at a time.
void read_pieces(const std::filesystem::path& path, const std::function<void(std::string_view)>& take);

/// The content of a file or pipe, byte by byte as it is.
std::string read_text(const std::filesystem::path& path);

/// XXH3 (64 bits) of a file's content.
uint64_t checksum(const std::filesystem::path& path);

/// A file that appears at `path` whole, on disk, or not at all: it grows under a temporary name in the same folder.
/// Every failure (a full disk) throws Error with the path and the system's reason and leaves what was at `path`.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  /// Without commit(): nothing remains.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);

  /// Syncs the file, gives it its name, syncs the folder. To be called once, after the last write.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// What a file with such a temporary name would have become: one is left where a process was killed. Nothing for other
/// names.
std::optional<std::filesystem::path> target_of_temporary(const std::filesystem::path& path);

/// Lets `writer` fill an AtomicFile and commits it; if `writer` throws, what was at `path` stays.
void write_atomically(const std::filesystem::path& path, const std::function<void(AtomicFile&)>& writer);
void write_atomically(const std::filesystem::path& path, std::string_view content);

/// What was written to a file before survives a power failure.
void sync_file(const std::filesystem::path& path);

/// Makes renames within a folder survive a power failure.
void sync_folder(const std::filesystem::path& folder);

}  // namespace strata::io
