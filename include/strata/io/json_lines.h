#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>

namespace strata::io {

/// A file of one JSON object a line that grows at its end. A line is whole in the file when append() returns.
class JsonLines {
 public:
  /// Keeps the lines that are there up to the first whose `key` is above `last`, is cut, or is broken: what a killed
  /// run wrote after its last checkpoint. Throws Error if the file cannot be written.
  JsonLines(std::filesystem::path path, const std::string& key, int64_t last);
  void append(const nlohmann::json& object);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace strata::io
