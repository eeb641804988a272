#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "eval_progress.h"
#include "eval_setup.h"
#include "eval_tasks.h"
#include "strata/eval/harness.h"

namespace strata::tools {

/// Scores one model after the other on the same questions; a collective. What it is given must outlive it.
class Evaluator {
 public:
  /// models: how many there will be.
  Evaluator(const EvalTasksArguments& arguments, const EvalSetup& setup, const std::vector<eval::AskedTask>& tasks,
            workers::Communicator& workers, int64_t models);

  /// What log-likelihoods depend on, beside the questions.
  nlohmann::json description() const;

  /// The model, without a layer where one is named. With arguments.output what is found is kept beside it at once.
  std::vector<eval::ScoredTask> run(std::optional<int64_t> without = {});

  /// Writes the results, which hold all that was found.
  void end(const nlohmann::json& results);

 private:
  eval::ScoreFile scores_so_far(std::optional<int64_t> without) const;

  const EvalTasksArguments& arguments_;
  const EvalSetup& setup_;
  const std::vector<eval::AskedTask>& tasks_;
  workers::Communicator& workers_;
  nn::BatchLimits limits_;
  EvalProgress progress_;
  std::vector<eval::ScoreFile> finished_;
};

}  // namespace strata::tools
