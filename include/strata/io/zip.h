#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace strata::io {

/// Reads the files of a zip archive into memory. Nothing is ever unpacked to the disk, so names are only names.
/// Every Error begins with the archive's path and, where it is about one of its files, that one's name.
class ZipReader {
 public:
  /// Throws Error for what is no zip archive.
  explicit ZipReader(const std::filesystem::path& path);
  ~ZipReader();
  ZipReader(ZipReader&&) noexcept;
  ZipReader& operator=(ZipReader&&) noexcept;

  /// Names of its files in its own order, folders left out.
  const std::vector<std::string>& names() const { return names_; }

  /// The content of a file. Throws Error for one that is not there, is encrypted or damaged (its CRC is checked), or
  /// has more than `most_bytes`, whatever the archive says about its size.
  std::string read(const std::string& name, int64_t most_bytes) const;

 private:
  struct Archive;

  std::filesystem::path path_;
  std::unique_ptr<Archive> archive_;
  std::vector<std::string> names_;
};

}  // namespace strata::io
