#pragma once

#include <filesystem>

#include "strata/config/run_config.h"
#include "strata/io/file_lock.h"

namespace strata::train {

/// The folder that a run writes to, held by one process at a time.
class RunFolder {
 public:
  /// Makes the folder and removes what killed saves left in it. Throws Error if it cannot be written or if another
  /// process has it.
  explicit RunFolder(const std::filesystem::path& path);

  /// `config.yaml`, the resolved config.
  void write_config(const config::RunConfig& config) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  io::FileLock lock_;
};

}  // namespace strata::train
