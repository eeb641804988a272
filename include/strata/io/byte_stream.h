#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

namespace strata::io {

/// The bytes of a file, decompressed where its name says so: `.gz` by zlib, `.zst` and `.zstd` by zstd. Several members
/// or frames in a row are one stream.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// Up to `size` bytes into `out`; 0 only at the end. Throws Error with what is wrong, without the file's name: what
  /// is damaged, or cut off in the middle.
  virtual size_t read(char* out, size_t size) = 0;
};

/// Throws Error, naming the file, where it cannot be opened.
std::unique_ptr<ByteStream> open_byte_stream(const std::filesystem::path& path);

/// The path without the ending for which it is decompressed.
std::filesystem::path without_compression(std::filesystem::path path);

}  // namespace strata::io
