#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace strata::io {

/// No line may be longer, so that a small file that is decompressed cannot take all memory.
inline constexpr size_t kLongestLine = size_t{256} << 20;

/// Streams the lines of a file of any size, without a byte order mark. A name that ends in `.gz` is decompressed
/// (several gzip members in a row are one stream). Every Error names the path and, where decompression fails or a line
/// is too long, the line that was reached.
class LineReader {
 public:
  explicit LineReader(const std::filesystem::path& path);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;

  /// Puts the next line, without its line feed, into `line`; false at the end. The last line needs no line feed.
  bool next(std::string& line);

  /// Number of the line that `next` gave last, from 1; 0 before the first.
  int64_t line_number() const { return line_number_; }
  const std::filesystem::path& path() const { return path_; }

  /// `path:line`, as messages about the last line begin.
  std::string where() const;

 private:
  class Stream;

  bool refill();

  std::filesystem::path path_;
  std::unique_ptr<Stream> stream_;
  std::string buffer_;
  size_t begin_ = 0;  // what lies before it in the buffer was given out
  int64_t line_number_ = 0;
};

}  // namespace strata::io
