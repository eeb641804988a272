#pragma once

#include <memory>
#include <vector>

#include "strata/eval/harness.h"
#include "strata/train/hooks.h"

namespace strata::eval {

/// Which questions a training run is asked, and when, besides after its last step.
struct TaskPlan {
  std::vector<AskedTask> tasks;
  ScoringOptions scoring;
  int64_t every = 0;      // steps; 0: not before the end
  int64_t last_step = 0;  // of the whole run
};

/// For every worker of the run: the accuracies of what the parameters are at that step, to tasks.jsonl ({"step", TASK:
/// {"acc", "acc_stderr", "acc_norm", "acc_norm_stderr"}, "average"}) and the console. `logs`: on the first worker, else
/// nullptr. Throws UsageError where an item does not fit into the model's batches.
std::unique_ptr<train::Hook> task_scores(train::RunLogs* logs, TaskPlan plan, nn::Model& model,
                                         workers::Communicator& workers);

}  // namespace strata::eval
