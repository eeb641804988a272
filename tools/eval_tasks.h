#pragma once

#include <string>
#include <vector>

#include "eval_setup.h"
#include "strata/eval/scorer.h"

namespace strata::tools {

struct EvalTasksArguments {
  std::string folder = "data/eval";  // of the tasks' files
  std::string output;                // JSON; empty: only the table
  std::vector<std::string> tasks{"paper7"};
  std::vector<std::string> drop_layers;  // numbers, or "each"
  eval::RequestOptions requests;
  eval::ScoringOptions scoring{.max_length = 0};  // 0: as long as the model allows
  bool markdown = false;
};

/// Scores the tasks, prints a table of accuracies and writes the results.
void evaluate_on_tasks(const EvalModelArguments& model, EvalTasksArguments arguments);

}  // namespace strata::tools
