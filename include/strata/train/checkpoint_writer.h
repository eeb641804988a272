#pragma once

#include <optional>
#include <string>
#include <thread>

#include "strata/base/allocator.h"
#include "strata/train/checkpoint.h"
#include "strata/train/run_logs.h"

namespace strata::train {

/// A second set of arenas like the first, to save from while the first go on.
TrainingArenas make_checkpoint_copy(const TrainingArenas& arenas, Allocator& memory);

/// Saves checkpoints of a run behind its back: save() copies the arenas, and a thread writes the copy and then removes
/// the checkpoints that config.checkpoint no longer keeps.
class CheckpointWriter {
 public:
  /// The copy comes from `memory`; with checkpoint.asynchronous: false there is none, and save() does all of it.
  CheckpointWriter(std::filesystem::path run, const config::RunConfig& config, const nn::ParameterLayout& layout,
                   const TrainingArenas& arenas, Allocator& memory);
  /// Waits for what is being written.
  ~CheckpointWriter();

  /// Returns when the arenas may change again. Waits, and says so, for a checkpoint that is still being written.
  /// A save that fails (a full disk) is a warning; what was there stays.
  void save(const CheckpointState& state, RunLogs& logs);

  /// Waits for the last save; the reason why it failed, if it did.
  std::optional<std::string> finish();

  /// The step of the last checkpoint that was saved whole; -1: none. To be asked after finish().
  int64_t saved_step() const { return saved_step_; }

 private:
  void write(const TrainingArenas& arenas, const CheckpointState& state);

  std::filesystem::path run_;
  config::RunConfig config_;
  nn::ParameterLayout layout_;
  TrainingArenas arenas_;
  std::optional<TrainingArenas> copy_;
  std::vector<std::filesystem::path> logs_;
  int64_t saved_step_ = -1;
  std::optional<std::string> failure_;
  std::thread thread_;
};

}  // namespace strata::train
