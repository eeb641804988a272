#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "strata/base/check.h"
#include "strata/config/run_config.h"
#include "strata/nn/parameters.h"
#include "strata/optim/optimizer.h"
#include "strata/train/checkpoint/files.h"
#include "strata/train/checkpoint/optimizer_files.h"
#include "strata/train/checkpoint/save_group.h"

namespace strata::train {

inline constexpr const char* kStateFile = "state.json";

/// `<run>/checkpoints/step_<8 digits>`.
std::filesystem::path checkpoint_path(const std::filesystem::path& run, int64_t step);

/// The checkpoints of a run by that name, oldest first, sound or not.
std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& run);

/// The step in a checkpoint's name.
int64_t step_of(const std::filesystem::path& checkpoint);

/// The tensors that decide the next step.
struct TrainingArenas {
  at::Tensor parameters;  // the arena of master values; undefined: nobody asks this worker for them
  OptimizerStates optimizer;
};

/// Whether a model folder is, or was, a checkpoint.
bool is_checkpoint(const std::filesystem::path& folder);

/// All that a checkpoint holds, as far as this worker has it.
struct CheckpointContents {
  const config::RunConfig& config;
  const nn::ParameterLayout& layout;
  const TrainingArenas& arenas;
  const std::vector<ArenaRange>& ranges;  // what of the optimizer's states this worker saves
  const CheckpointState& state;
};

/// Every worker of the group writes its optimizer file (optimizer_files.h). The first one also writes
/// model.safetensors, config.yaml (so that it is a model folder too), state.json, and last manifest.json with the size
/// and XXH3 of every file. The checkpoint appears at `path`, in a folder that all workers see, whole and synced, or not
/// at all: it grows under a temporary name beside it.
/// Gives the manifest, on the other workers that of their own file. Throws Error with the path and the reason, on all.
Manifest write_checkpoint(const std::filesystem::path& path, const CheckpointContents& contents,
                          const SaveGroup& group = {});

/// Thrown for files that are not what was saved.
class DamagedCheckpoint : public Error {
 public:
  using Error::Error;
};

/// Compares the weights of a checkpoint with its manifest, for those who want nothing else of it. Throws
/// DamagedCheckpoint. A folder that is no checkpoint, or one without a manifest, has nothing to compare.
void verify_weights(const std::filesystem::path& folder);

/// A checkpoint on disk that has been verified.
class Checkpoint {
 public:
  /// Compares every file with the manifest. Throws DamagedCheckpoint, naming the file, for what cannot be trusted,
  /// and Error for a folder that is not there or was saved by a Strata whose config or state this one cannot read.
  /// verify: false trusts the files: another worker has verified them.
  static Checkpoint open(const std::filesystem::path& path, bool verify = true);

  const std::filesystem::path& path() const { return path_; }
  const CheckpointState& state() const { return state_; }
  const config::RunConfig& config() const { return config_; }
  const Manifest& manifest() const { return manifest_; }
  /// How many saved it.
  int num_workers() const;

  /// Fills parameters and states. Nothing changes unless everything fits: throws Error naming file and tensor.
  void load(nn::Parameters& parameters, optim::Optimizer& optimizer) const;

 private:
  Checkpoint() = default;

  std::filesystem::path path_;
  Manifest manifest_;
  CheckpointState state_;
  config::RunConfig config_;
};

/// Removes a checkpoint so that a kill leaves no half of it under its name.
void remove_checkpoint(const std::filesystem::path& path);

/// Removes what a killed process left half written or half removed in the folder of a run.
void remove_leftovers(const std::filesystem::path& run);

}  // namespace strata::train
