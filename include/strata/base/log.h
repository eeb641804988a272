#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace strata::log {

/// Messages for people, on stderr and in the log file when there is one. Results go to stdout without this.
/// Safe to call from several threads.
void info(std::string_view message);
void warn(std::string_view message);
void error(std::string_view message);

/// Shows how far something is, on stdout: on a terminal one line that stays in place until a message or end_progress()
/// ends it, elsewhere a line each time.
void progress(std::string_view line);
/// Seconds between two of them that a reader can follow: fewer where the line stays in place.
double progress_interval();
/// Before other output to stdout: leaves the line as it is, so that the output begins on a line of its own.
void end_progress();

/// A file to which everything is also appended as long as this lives.
class File {
 public:
  /// Throws Error if it cannot be opened.
  explicit File(const std::filesystem::path& path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

/// Begins warnings and errors with this from now on: which of several workers they come from.
void speak_as(const std::string& speaker);

/// Only warnings and errors from now on (ranks other than 0).
void quiet();

}  // namespace strata::log
