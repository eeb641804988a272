#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "strata/io/append_file.h"

namespace strata::io {

/// A number with the name that TensorBoard draws it under: "train/loss".
struct Scalar {
  std::string tag;
  double value = 0.0;
};

/// A file of events for TensorBoard, which grows at its end while a run goes on.
class EventFile {
 public:
  /// Begins the file. TensorBoard forgets what other files of the folder have of `first_step` and the steps behind it.
  EventFile(const std::filesystem::path& path, int64_t first_step);

  void add(int64_t step, const std::vector<Scalar>& scalars);
  /// Markdown.
  void add_text(int64_t step, const std::string& tag, const std::string& text);
  /// Names and values for the table of runs (HPARAMS). Values that read as a number, "true" or "false" are such.
  void add_settings(const std::vector<std::pair<std::string, std::string>>& settings);

 private:
  void write(const std::string& event);

  AppendFile file_;
};

}  // namespace strata::io
