#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "strata/base/check.h"
#include "strata/io/byte_stream.h"

namespace strata::io {

/// A line that is longer than allowed. The line behind it can be read.
class LineTooLong : public Error {
 public:
  using Error::Error;
};

/// Streams the lines of a file of any size, without a byte order mark. Compressed files are decompressed
/// (byte_stream.h). Every Error names the path and, where decompression fails or a line is too long, the line that was
/// reached.
class LineReader {
 public:
  static constexpr int64_t kLongest = int64_t{256} << 20;  // bytes

  /// No line may be longer than `longest` bytes, so that a small file that is decompressed cannot take all memory.
  explicit LineReader(const std::filesystem::path& path, int64_t longest = kLongest);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;

  /// Puts the next line, without its line feed, into `line`; false at the end. The last line needs no line feed. Throws
  /// LineTooLong.
  bool next(std::string& line);

  /// Whether the line that `next` gave last had a line feed.
  bool had_line_feed() const { return had_line_feed_; }

  /// Number of the line that `next` gave last, from 1; 0 before the first.
  int64_t line_number() const { return line_number_; }
  const std::filesystem::path& path() const { return path_; }

  /// `path:line`, as messages about the last line begin.
  std::string where() const;

 private:
  bool refill();
  void check_length(size_t bytes);  // of the line that comes
  void pass_over_rest();            // of a line that was too long

  std::filesystem::path path_;
  size_t longest_;
  std::unique_ptr<ByteStream> stream_;
  std::string buffer_;
  size_t begin_ = 0;  // what lies before it in the buffer was given out
  int64_t line_number_ = 0;
  bool had_line_feed_ = false;
  bool is_in_long_line_ = false;
};

}  // namespace strata::io
