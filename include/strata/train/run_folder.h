#pragma once

#include <filesystem>
#include <optional>

#include "strata/config/run_config.h"
#include "strata/io/file_lock.h"
#include "strata/io/json_lines.h"

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

/// The files of a run that grow with its steps. What a killed run wrote after the step it resumes from is cut off.
struct RunLogs {
  RunLogs(const std::filesystem::path& run, int64_t step, bool scores_tasks = false)
      : metrics(run / "metrics.jsonl", "step", step),
        layers(run / "layers.jsonl", "step", step),
        evaluations(run / "eval.jsonl", "step", step) {
    if (scores_tasks) tasks.emplace(run / "tasks.jsonl", "step", step);
  }

  /// Throws Error where a line cannot be written: no checkpoint may be ahead of them, and none may be lost at the end.
  void flush() {
    for (io::JsonLines* log : {&metrics, &layers, &evaluations}) log->flush();
    if (tasks) tasks->flush();
  }

  io::JsonLines metrics;               // every step
  io::JsonLines layers;                // every telemetry.every steps
  io::JsonLines evaluations;           // every evaluate.every steps
  std::optional<io::JsonLines> tasks;  // every evaluate.tasks.every steps, where there are tasks
};

}  // namespace strata::train
