#pragma once

#include <filesystem>

#include "strata/config/run_config.h"
#include "strata/io/file_lock.h"

namespace strata::train {

/// The folder that a run writes to, held by one process at a time.
class RunFolder {
 public:
  /// Makes the folder and writes `config.yaml`, the resolved config. Throws Error if it cannot be written, if another
  /// process has it, and, naming the keys, if it holds checkpoints of a run whose mathematics are other ones: all keys
  /// but those of `run`, `checkpoint`, `telemetry`, `evaluate`, train.{stop_after, resume, recompute} and data.{cache,
  /// prefetch}.
  explicit RunFolder(const config::RunConfig& config);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  io::FileLock lock_;
};

}  // namespace strata::train
