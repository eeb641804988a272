#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "strata/config/outputs.h"

namespace strata::train {

/// Which of the checkpoints at `steps` (rising) nothing keeps: not among the `keep` newest, no multiple of
/// `keep_every`, not among the `keep_best` with the lowest loss. `losses`: by step, where there was an evaluation.
std::vector<int64_t> steps_to_remove(const config::CheckpointConfig& config, const std::vector<int64_t>& steps,
                                     const std::map<int64_t, double>& losses);

/// The validation losses of a run's eval.jsonl, by step. Throws Error where it is there and cannot be read.
std::map<int64_t, double> validation_losses(const std::filesystem::path& run);

/// Of a run's checkpoints the one with the lowest validation loss; nothing where none of them was evaluated.
std::optional<std::filesystem::path> best_checkpoint(const std::filesystem::path& run);

/// Removes them. To be called when the newest checkpoint has just been verified: it stays. Throws Error, and removes
/// none, where the losses cannot be read that decide.
void prune_checkpoints(const std::filesystem::path& run, const config::CheckpointConfig& config);

}  // namespace strata::train
