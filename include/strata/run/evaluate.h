#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/config/run.h"
#include "strata/config/train.h"
#include "strata/eval/harness.h"
#include "strata/eval/perplexity.h"
#include "strata/eval/results.h"
#include "strata/eval/scorer.h"

/// Evaluations of a model folder, as `strata eval` makes them: collectives of the workers that the environment speaks
/// of. They say on stdout what is evaluated, and how far they are. All throw UsageError for what cannot be evaluated
/// so.
namespace strata::run {

/// The model that is judged, and what computes it.
struct JudgedModel {
  std::string folder;
  std::string tokenizer = {};  // file or URL; empty: the folder's data.tokenizer
  config::Precision precision = config::Precision::kFp32;
  config::RunSettings run{.gemm = config::Gemm::kTiles};
};

struct TasksOptions {
  std::string folder = "data/eval";  // of the tasks' files
  std::string output;                // JSON; empty: none. What was scored is kept beside it until all is
  std::vector<std::string> tasks{"paper7"};
  std::vector<std::string> drop_layers;  // numbers, or "each"
  eval::RequestOptions requests;
  eval::ScoringOptions scoring{.max_length = 0};  // 0: as long as the model allows
};

struct TaskScores {
  std::vector<eval::ScoredTask> whole;      // of the model as it is
  std::vector<eval::LayerLeftOut> dropped;  // without each of the layers
};

/// Scores the tasks and writes the results. Nothing on other workers than the first.
std::optional<TaskScores> evaluate_on_tasks(const JudgedModel& model, TasksOptions options);

struct TextOptions {
  std::vector<std::string> files;  // files, globs, folders, URLs
  std::string field = {};          // of JSON files: where the text is; empty: data.field of the folder
  int64_t stride = 0;              // 0: half of the length
  eval::ScoringOptions scoring;    // max_length 0: as long as the model allows
  std::string output;              // JSON; empty: none
};

/// Measures the model's loss on the files' documents and writes it. Nothing on other workers than the first.
std::optional<eval::Perplexity> evaluate_on_text(const JudgedModel& model, const TextOptions& options);

}  // namespace strata::run
