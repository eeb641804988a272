#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "strata/train/step.h"

namespace strata::train {

/// Something that happens beside the steps: console, files, checkpoints, evaluation. Called in the order of the list.
class Hook {
 public:
  virtual ~Hook() = default;
  /// statistics: of this step, where telemetry is due, else nullptr.
  virtual void after_step(const StepReport&, const Progress&, const LayerStatistics* /*statistics*/) {}
  /// Once, after the last step, however the run came to it. One that throws keeps none of the others from theirs.
  virtual void at_end(const Progress&) {}
};

struct LoopOptions {
  int64_t last_step = 0;                                      // the run is complete after it
  int64_t stop_after = -1;                                    // ends early after it; -1: never
  int64_t telemetry_every = 1;                                // 0: never
  std::function<bool()> give_up_step = [] { return false; };  // asked within the step: leaves it undone, and stops
};

/// Steps from `progress` until the last one, a stop, or no next batch. Throws Error, before the
/// update and without calling the hooks, for a loss or gradient that is not finite (train.on_nonfinite: stop) and for a
/// spike (train.spike.action: stop).
void run_training(Step& step, const nn::ModelSpec& spec, const config::TrainConfig& config,
                  const std::function<std::optional<data::GlobalBatch>()>& next_batch,
                  const std::vector<std::unique_ptr<Hook>>& hooks, const LoopOptions& options, Progress& progress);

}  // namespace strata::train
