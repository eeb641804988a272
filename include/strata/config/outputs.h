#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

/// checkpoint.*: what a run leaves to be resumed from
struct CheckpointConfig {
  int64_t every = 1000;
  int64_t keep = 0;
  int64_t keep_every = 0;
  int64_t keep_best = 0;
  bool asynchronous = true;
  int64_t grace_seconds = 30;

  void fields(auto& field) {
    field("every", every, Affects::kExecution, "steps between checkpoints; 0: only at the end", at_least(0));
    field("keep", keep, Affects::kExecution, "newest checkpoints that are kept; 0: all", at_least(0));
    field("keep_every", keep_every, Affects::kExecution,
          "checkpoints at multiples of this step are kept besides; 0: none", at_least(0));
    field("keep_best", keep_best, Affects::kExecution,
          "checkpoints with the lowest validation loss are kept besides; 0: none", at_least(0));
    field("asynchronous", asynchronous, Affects::kExecution,
          "write behind the run's back, from a second set of buffers");
    field("grace_seconds", grace_seconds, Affects::kExecution,
          "from SIGTERM or SIGINT to the end, saved or not; 0: as long as it takes", at_least(0));
  }

  bool operator==(const CheckpointConfig&) const = default;
};

/// telemetry.*: what a run measures about itself
struct TelemetryConfig {
  static constexpr int64_t kEverLess = -1;

  int64_t every = kEverLess;
  bool tensorboard = true;

  void fields(auto& field) {
    field("every", every, Affects::kExecution,
          "steps between lines of layers.jsonl; 0: none; auto: 1 up to step 1,000, 10 up to 10,000, and so on",
          at_least(0), Word{"auto", kEverLess});
    field("tensorboard", tensorboard, Affects::kExecution, "event files under tb/");
  }

  bool operator==(const TelemetryConfig&) const = default;
};

/// evaluate.tasks.*: downstream tasks during training, as strata eval scores them
struct EvaluateTasksConfig {
  std::vector<std::string> names = {};
  std::string data = "data/eval";
  int64_t every = 0;
  int64_t limit = 200;
  int64_t shots = 0;

  void fields(auto& field) {
    field("names", names, Affects::kExecution, "tasks; paper7: the seven of the GPAS paper; none: not at all");
    field("data", data, Affects::kHost, "folder of the tasks' files");
    field("every", every, Affects::kExecution, "steps between scores; 0: only at the end", at_least(0));
    field("limit", limit, Affects::kExecution, "items of each task, of each subject of MMLU, from its start",
          at_least(1));
    field("shots", shots, Affects::kExecution,
          "examples before each question; what is longer than a row loses its beginning", in_range(0, 100));
  }

  bool operator==(const EvaluateTasksConfig&) const = default;
};

/// evaluate.*: the loss on the validation set during training
struct EvaluateConfig {
  int64_t every = 1000;
  int64_t tokens = 10'000'000;
  EvaluateTasksConfig tasks = {};

  void fields(auto& field) {
    field("every", every, Affects::kExecution, "steps between evaluations; 0: only at the end", at_least(0));
    field("tokens", tokens, Affects::kExecution, "of the validation set, from its start", at_least(1));
    field("tasks", tasks, "downstream tasks during training");
  }

  bool operator==(const EvaluateConfig&) const = default;
};

}  // namespace strata::config
