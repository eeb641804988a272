#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace strata::io {

/// A file that grows at its end while a long run goes on. What cannot be written at once (a full disk) is kept and
/// written, in order, before what comes next.
class AppendFile {
 public:
  /// Opens or makes the file. Throws Error with the path and the system's reason.
  explicit AppendFile(std::filesystem::path path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Warns, once, when the file begins to refuse.
  void append(std::string_view bytes);

  /// Throws Error if something is still waiting and cannot be written now either.
  void flush();

  const std::filesystem::path& path() const { return path_; }

 private:
  int write_waiting();  // 0, or the reason why it stopped

  std::filesystem::path path_;
  int descriptor_;
  std::string waiting_;
  bool has_warned_ = false;
};

}  // namespace strata::io
