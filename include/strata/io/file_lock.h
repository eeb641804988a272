#pragma once

#include <filesystem>
#include <optional>

namespace strata::io {

/// An exclusive lock between processes, held as long as the object lives (or the process: a kill frees it).
/// The file is made if it is not there, and stays.
class FileLock {
 public:
  /// Nothing if somebody else, in this process or another, holds it.
  static std::optional<FileLock> try_lock(const std::filesystem::path& path);

  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace strata::io
