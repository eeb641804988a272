#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "strata/train/step.h"

namespace strata::train {

/// Where a run stands: with the parameters and the optimizer's states, all that decides the next step.
struct Progress {
  int64_t step = 0;  // updates asked for so far, skipped ones included
  data::OrderCursor cursor;
  int64_t tokens = 0;   // seen
  int64_t skipped = 0;  // steps whose loss or gradient was not finite

  bool operator==(const Progress&) const = default;
};

/// Something that happens beside the steps: console, files, checkpoints, evaluation. Called in the order of the list.
class Hook {
 public:
  virtual ~Hook() = default;
  /// statistics: of this step, where telemetry is due, else nullptr.
  virtual void after_step(const StepReport&, const Progress&, const LayerStatistics* /*statistics*/) {}
  /// Once, after the last step, however the run came to it.
  virtual void at_end(const Progress&) {}
};

struct LoopOptions {
  int64_t last_step = 0;        // the run is complete after it
  int64_t stop_after = -1;      // ends early after it; -1: never
  int64_t telemetry_every = 1;  // 0: never
  config::OnNonfinite on_nonfinite = config::OnNonfinite::kStop;
  std::function<bool()> stop_requested = [] { return false; };  // asked after every step
};

/// Steps from `progress` until the last one, a stop, or a request to stop. Throws Error for a loss or gradient that is
/// not finite (on_nonfinite: stop), before the update and without calling the hooks.
void run_training(Step& step, const nn::ModelSpec& spec, const std::function<data::GlobalBatch()>& next_batch,
                  const std::vector<std::unique_ptr<Hook>>& hooks, const LoopOptions& options, Progress& progress);

}  // namespace strata::train
