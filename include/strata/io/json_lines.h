#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "strata/io/append_file.h"

namespace strata::io {

/// A file of one JSON object a line that grows at its end, with a number in each that rises from line to line.
class JsonLines {
 public:
  /// Keeps the lines that are there up to the last whose number `key` is at most `last`, without what a killed run
  /// wrote after its last checkpoint. Among them, lines that are no such objects are left out, with a warning that
  /// names the first. Throws Error if the file cannot be read or written; then it is as it was.
  JsonLines(const std::filesystem::path& path, std::string key, int64_t last);

  /// As AppendFile::append.
  void append(const nlohmann::json& object);
  /// `see` gets each object that is appended from now on.
  void watch(std::function<void(const nlohmann::json& object)> see) { see_ = std::move(see); }
  /// As AppendFile::flush.
  void flush() { file_.flush(); }

  const std::filesystem::path& path() const { return file_.path(); }
  /// The number of the last line.
  std::optional<int64_t> last() const { return last_; }

 private:
  std::string key_;
  std::optional<int64_t> last_;
  AppendFile file_;
  std::function<void(const nlohmann::json&)> see_;
};

}  // namespace strata::io
