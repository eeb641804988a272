#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/config/run_config.h"
#include "strata/run/input.h"
#include "strata/train/progress.h"
#include "strata/train/trainer.h"

/// A run from its config to its end, as `strata pretrain` and `strata sft` make it.
namespace strata::run {

/// Makes a hook of a program's own for a run, on each of its workers. The run's parts outlive the hook.
using MakeHook = std::function<std::unique_ptr<train::Hook>(train::Training&)>;

struct RunOptions {
  std::vector<MakeHook> hooks = {};  // called behind the run's own, in this order
  bool says = true;                  // header, progress line and end, on stdout; warnings and log.txt come anyway
};

/// How a run ended; the same on all workers.
struct RunResult {
  train::Progress progress;                    // after the last step
  std::vector<double> losses;                  // of the last steps of this process, at most kResultLosses, oldest first
  std::optional<double> validation_loss = {};  // of the last evaluation in this process
  int64_t idle_steps = 0;                      // the last steps, as far as none of them changed anything
  std::vector<std::string> data = {};          // what became of the data, for people; on the first worker
  int signal = 0;                              // that stopped it, after a checkpoint; 0: none did
};

inline constexpr int64_t kResultLosses = 100;

/// Trains a model from random numbers on what the keys under `data` name. run.dir gets all that the program writes.
///
/// A collective of the workers that the environment speaks of (strata launch); a process that is alone is one. Runs
/// can follow each other in a process; SIGINT, SIGTERM and SIGHUP stop the one that trains, and all after it at once.
/// Throws UsageError, naming the key, for what is missing or does not fit, and Error for what fails on the way, and for
/// a run that has come to its end without learning any more: whose last steps were all skipped.
RunResult pretrain(const config::RunConfig& config, const RunOptions& options = {});

/// The same for fine-tuning the model folder sft.model on the instructions of sft.data. The config's model and norm are
/// those of that folder, as load_config leaves them.
RunResult fine_tune(const config::RunConfig& config, const RunOptions& options = {});

/// What a config trains on: as pretrain takes it, or where sft.model names a model as fine_tune does. Throws as they
/// do.
std::unique_ptr<RunInput> open_input(const config::RunConfig& config);

/// The same on any input. command: the run's kind, for people.
RunResult run(const std::string& command, const config::RunConfig& config, const RunInput& input,
              const RunOptions& options = {});

}  // namespace strata::run
