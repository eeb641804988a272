#pragma once

#include <filesystem>
#include <optional>
#include <vector>

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

/// Lines for people: what became of the data of a run.
inline std::filesystem::path data_file(const std::filesystem::path& run) { return run / "data.txt"; }

/// Whether a log has a line of this step: of each of the first `dense`, then of each tenth up to ten times as many, of
/// each hundredth up to a hundred times as many, and so on. A night of a small model's steps stays megabytes.
inline bool is_logged(int64_t step, int64_t dense) {
  int64_t every = 1;
  while (step > dense * every) every *= 10;
  return step % every == 0;
}

/// The files of a run that grow with its steps. What a killed run wrote after the step it resumes from is cut off.
struct RunLogs {
  RunLogs(const std::filesystem::path& run, int64_t step, bool scores_tasks = false)
      : metrics(run / "metrics.jsonl", "step", step),
        layers(run / "layers.jsonl", "step", step),
        evaluations(run / "eval.jsonl", "step", step) {
    if (scores_tasks) tasks.emplace(run / "tasks.jsonl", "step", step);
  }

  /// Those that there are.
  std::vector<io::JsonLines*> all() {
    std::vector<io::JsonLines*> logs{&metrics, &layers, &evaluations};
    if (tasks) logs.push_back(&*tasks);
    return logs;
  }

  /// Throws Error where a line cannot be written: no checkpoint may be ahead of them, and none may be lost at the end.
  void flush() {
    for (io::JsonLines* log : all()) log->flush();
  }

  io::JsonLines metrics;               // every step, in long runs fewer
  io::JsonLines layers;                // every telemetry.every steps
  io::JsonLines evaluations;           // every evaluate.every steps
  std::optional<io::JsonLines> tasks;  // every evaluate.tasks.every steps, where there are tasks
};

}  // namespace strata::train
