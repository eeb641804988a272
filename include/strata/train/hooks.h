#pragma once

#include <filesystem>
#include <memory>

#include "strata/config/run_config.h"
#include "strata/data/loader.h"
#include "strata/train/checkpoint_writer.h"
#include "strata/train/trainer.h"

namespace strata::train {

/// One line of metrics.jsonl a step, with scores where spikes are watched, and one of layers.jsonl where there are
/// statistics.
std::unique_ptr<Hook> metrics_files(RunLogs& logs, nn::Model& model, bool watches_spikes);

/// TensorBoard event files of what metrics.jsonl holds, under tb/.
std::unique_ptr<Hook> tensorboard_files(const std::filesystem::path& run, const Progress& start);

/// What the progress line needs to know.
struct ConsoleFacts {
  int64_t last_step = 0;
  double flops_per_token = 0.0;
  double peak_gflops = 0.0;  // measured: what 100 % is
};

/// One progress line: on a terminal it stays in place, elsewhere a line every few seconds.
std::unique_ptr<Hook> console(const ConsoleFacts& facts);

/// The loss on the validation set every `every` steps and after the last one, to eval.jsonl and the console.
/// It evaluates what the parameters are at that step.
std::unique_ptr<Hook> evaluation(RunLogs& logs, const config::EvaluateConfig& config, nn::Model& model,
                                 const data::ValidationSet& set, int64_t last_step);

/// A checkpoint every `every` steps, on SIGUSR1, and at the end, which throws Error if that one is not saved.
/// `start`: where this process began, and what does not change.
std::unique_ptr<Hook> checkpoints(const config::CheckpointConfig& config, const CheckpointState& start,
                                  CheckpointWriter& writer, RunLogs& logs);

/// The mean loss over all targets of the set, and its perplexities.
struct EvaluationResult {
  double loss = 0.0;
  int64_t targets = 0;
  int64_t batches = 0;
  double sum_of_means = 0.0;  // of the micro-batches' mean losses

  double perplexity() const;
  /// As the paper's code reports it: the sum of n batch means divided by n + 1, which is biased low.
  double paper_perplexity() const;
};

EvaluationResult evaluate(nn::Model& model, const data::ValidationSet& set);

}  // namespace strata::train
