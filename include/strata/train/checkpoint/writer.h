#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include "strata/base/allocator.h"
#include "strata/train/checkpoint/checkpoint.h"
#include "strata/train/parameter_gather.h"
#include "strata/train/run_folder.h"

namespace strata::train {

/// Saves checkpoints of a run behind its back: save() copies the arenas, and a thread writes the copy and then removes
/// the checkpoints that config.checkpoint no longer keeps.
class CheckpointWriter {
 public:
  /// ranges: what of the optimizer's states this worker saves. saves_master: one of them saves all master values. The
  /// copy comes from the allocator; with checkpoint.asynchronous: false there is none, but of master values that
  /// workers share, and save() does all of it. All that is given must outlive it, the allocator and the ranges
  /// excepted.
  CheckpointWriter(const config::RunConfig& config, const nn::Parameters& parameters, ParameterGather& gather,
                   const optim::Optimizer& optimizer, const std::vector<ArenaRange>& ranges, bool saves_master,
                   SaveGroup group, Allocator& allocator);
  /// Waits for what is being written.
  ~CheckpointWriter();

  /// Lets the pages of the copy come in the background, so that the first save need not wait for them. For after the
  /// first step: the start is not to wait for them either.
  void warm_up();

  /// Every worker of the group has to call it. Returns when the arenas may change again. Waits, and says so, for a
  /// checkpoint that is still being written. `logs`: of the run, on its first worker.
  void save(const CheckpointState& state, RunLogs* logs);

  /// Tells of a save that has ended since the last call: its size and times, or, as a warning, why it failed (a full
  /// disk); then what was there before stays. `save` and `finish` do so too.
  void report();

  /// Waits for the last save; the reason why it failed, if it did.
  std::optional<std::string> finish();

  /// The step of the last checkpoint that was saved whole; -1: none. To be asked after finish().
  int64_t saved_step() const { return saved_step_; }

 private:
  struct Saving {
    int64_t step = -1;
    int64_t bytes = 0;
    double held_up = 0.0;  // seconds for which the run stood still
    double seconds = 0.0;  // in all
    std::optional<std::string> failure = {};
  };

  std::optional<std::string> flush(int64_t step, RunLogs* logs);
  TrainingArenas arenas() const;
  void copy();
  void write(const TrainingArenas& arenas, const CheckpointState& state);

  std::filesystem::path run_;
  const config::RunConfig& config_;
  const nn::Parameters& parameters_;
  ParameterGather& gather_;
  const optim::Optimizer& optimizer_;
  std::vector<ArenaRange> ranges_;
  bool saves_master_;
  SaveGroup group_;
  // A second set of arenas, to save from while the first go on.
  at::Tensor master_copy_;                      // where this worker saves them
  std::optional<OptimizerStates> states_copy_;  // of these ranges, whosever the states are
  std::vector<std::filesystem::path> logs_;
  int64_t saved_step_ = -1;
  std::optional<std::string> failure_;  // of the last save
  Saving saving_;                       // the thread's until is_written_
  std::atomic<bool> is_written_ = false;
  std::thread thread_;
};

}  // namespace strata::train
