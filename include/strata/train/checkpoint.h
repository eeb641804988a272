#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "strata/config/run_config.h"
#include "strata/nn/parameters.h"
#include "strata/optim/optimizer.h"
#include "strata/train/trainer.h"

namespace strata::train {

/// What a checkpoint says beside its tensors.
struct CheckpointState {
  Progress progress;
  std::string data_fingerprint;
  std::string gemm;  // bits depend on it
  int threads = 1;
};

/// `<run>/checkpoints/step_<8 digits>`.
std::filesystem::path checkpoint_path(const std::filesystem::path& run, int64_t step);

/// Writes a checkpoint: model.safetensors, optimizer-1-of-1.safetensors (per state and parameter, "m.<name>"),
/// config.yaml (so that it is a model folder too), state.json, and manifest.json with the size and XXH3 of each, last.
/// It appears at `path` whole, synced, or not at all: it grows under a temporary name beside it.
void save_checkpoint(const std::filesystem::path& path, const config::RunConfig& config, const CheckpointState& state,
                     const nn::Parameters& parameters, const optim::Optimizer& optimizer);

/// Why a checkpoint cannot be trusted, or nothing: every file of the manifest is there with its size and checksum.
std::optional<std::string> checkpoint_problem(const std::filesystem::path& path);

/// The newest checkpoint of a run that verifies; others are named in warnings. Leftovers of killed saves are removed.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& run);

/// Fills parameters and states. Verifies before anything changes; throws Error naming the path.
CheckpointState load_checkpoint(const std::filesystem::path& path, const nn::Parameters& parameters,
                                optim::Optimizer& optimizer);

/// Removes all but the `keep` newest checkpoints; 0 keeps all.
void prune_checkpoints(const std::filesystem::path& run, int64_t keep);

}  // namespace strata::train
