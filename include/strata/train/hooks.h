#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/config/run_config.h"
#include "strata/data/batch_source.h"
#include "strata/train/checkpoint/writer.h"
#include "strata/train/data_parallel.h"
#include "strata/train/lisa.h"
#include "strata/train/trainer.h"

namespace strata::train {

/// One line of metrics.jsonl a step, with scores where spikes are watched, and one of layers.jsonl where there are
/// statistics. After step 100,000 fewer lines (is_logged), but for steps that were skipped or were spikes.
std::unique_ptr<Hook> metrics_files(RunLogs& logs, bool watches_spikes);

/// What the progress line needs to know.
struct ConsoleFacts {
  int64_t last_step = 0;
  double flops_per_token = 0.0;
  double peak_gflops = 0.0;  // measured: what 100 % is
};

/// One progress line: on a terminal it stays in place, elsewhere a line every few seconds.
std::unique_ptr<Hook> console(const ConsoleFacts& facts);

/// Numbers of an evaluation beside the loss: for eval.jsonl, and for people.
struct Scores {
  std::vector<std::pair<std::string, double>> numbers;
  std::string text;
};

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

/// Is told how far an evaluation is, in words: "micro-batch 52 of 391".
using PlaceTeller = std::function<void(const std::string& place)>;

/// When a run is evaluated, besides after its last step, and by what.
struct EvaluationPlan {
  std::unique_ptr<const data::BatchSet> set;
  int64_t every = 0;            // steps; 0: not by steps
  int64_t steps_per_epoch = 0;  // after each epoch, and before the first step; 0: not by epochs
  int64_t last_step = 0;        // of the whole run
  std::function<Scores(const PlaceTeller&)> scores = {};  // a collective
  std::function<void(const EvaluationResult&)> tell = {};
  bool says = true;  // on stdout, not only in the log file
};

/// For every worker of the run: the loss on the set, to eval.jsonl and the console. It evaluates what the parameters
/// are at that step. `logs`: on the first worker, else nullptr.
std::unique_ptr<Hook> evaluation(RunLogs* logs, EvaluationPlan plan, nn::Model& model, workers::Communicator& workers);

/// For every worker of the run: draws the layers that train, and says which (LISA).
std::unique_ptr<Hook> lisa(Lisa& lisa);

/// For every worker of the run: a checkpoint every `every` steps, on SIGUSR1 to any of them, and at the end, which
/// throws Error if that one is not saved. `start`: where this process began, and what does not change. `logs`: on the
/// first worker, else nullptr. `lisa`: where layers train by LISA, else nullptr.
std::unique_ptr<Hook> checkpoints(const config::CheckpointConfig& config, const CheckpointState& start,
                                  CheckpointWriter& writer, RunLogs* logs, DataParallel& parallel,
                                  const Lisa* lisa = nullptr);

/// A collective: the micro-batches are dealt out to the workers, and all of them get the same result. `tell`: is told
/// each of this worker's.
EvaluationResult evaluate(nn::Model& model, const data::BatchSet& set, workers::Communicator& workers,
                          const PlaceTeller& tell = {});

}  // namespace strata::train
