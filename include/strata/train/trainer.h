#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "strata/train/progress.h"
#include "strata/train/step.h"

namespace strata::train {

/// Something that happens beside the steps: console, files, checkpoints, evaluation. Called in the order of the list.
class Hook {
 public:
  virtual ~Hook() = default;
  /// Once, before the first step of this process.
  virtual void at_start(const Progress&) {}
  /// On all workers, before update number `index`, from 0, is started.
  virtual void before_step(int64_t /*index*/) {}
  /// On all workers, when a step has been started.
  virtual void step_started(int64_t /*step*/) {}
  /// Whether after_step has to find the parameters and the optimizer's states as this step leaves them. Then no other
  /// step is started before. The same on all workers.
  virtual bool needs_state_after(int64_t /*step*/) const { return false; }
  virtual void after_step(const StepReport&, const Progress&) {}
  /// Once, after the last step, however the run came to it. One that throws keeps none of the others from theirs.
  virtual void at_end(const Progress&) {}
};

struct LoopOptions {
  int64_t last_step = 0;        // the run is complete after it
  int64_t stop_after = -1;      // ends early after it; -1: never
  int64_t telemetry_every = 1;  // 0: never; config::TelemetryConfig::kEverLess: as its help says
  bool reads_late = false;  // a step is started before the one before it is read: for devices that work by themselves
  std::function<bool()> give_up_step = [] { return false; };  // asked within the step: leaves it undone, and stops
};

/// Steps from `progress`, which is that of the last step that was read, until the last one, a stop, or no next batch.
/// Throws Error, before the update and without calling the hooks, for a loss or gradient that is not finite
/// (train.on_nonfinite: stop) and for a spike (train.spike.action: stop). What hooks see does not depend on
/// options.reads_late, nor does anything that is computed.
void run_training(Step& step, const config::TrainConfig& config,
                  const std::function<std::optional<data::GlobalBatch>()>& next_batch,
                  const std::vector<std::unique_ptr<Hook>>& hooks, const LoopOptions& options, Progress& progress);

}  // namespace strata::train
