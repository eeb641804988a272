#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "strata/base/table.h"
#include "strata/eval/harness.h"

namespace strata::eval {

/// {TASK: {acc, acc_stderr, acc_norm, acc_norm_stderr, items: [{doc, log_likelihoods, prediction, gold}]}}, with
/// prediction_norm where there is acc_norm; for a task of several sets also sets: {NAME: {acc, ...}}, and the set of
/// each item. A standard error of a single item is null.
nlohmann::json to_json(const std::vector<ScoredTask>& tasks);

/// {TASK: {acc, acc_stderr, acc_norm, acc_norm_stderr}} alone.
nlohmann::json accuracies(const std::vector<ScoredTask>& tasks);

/// A row for each task and, of several, their average: accuracies in per cent with their standard errors.
Table table_of(const std::vector<ScoredTask>& tasks);

/// What leaving out each layer costs: a row for each, its tasks' acc and their average minus those of the whole model.
struct LayerLeftOut {
  int64_t layer = 0;
  std::vector<ScoredTask> tasks;
};
Table table_of_drops(const std::vector<ScoredTask>& whole, const std::vector<LayerLeftOut>& layers);

}  // namespace strata::eval
