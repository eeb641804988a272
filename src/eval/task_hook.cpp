#include "strata/eval/task_hook.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/eval/results.h"

namespace strata::eval {
namespace {

class TaskScores final : public train::Hook {
 public:
  TaskScores(train::RunLogs* logs, TaskPlan plan, nn::Model& model, workers::Communicator& workers)
      : logs_(logs), plan_(std::move(plan)), model_(model), workers_(workers) {}

  bool needs_state_after(int64_t step) const override { return plan_.every > 0 && step % plan_.every == 0; }

  void after_step(const train::StepReport& report, const train::Progress& progress) override {
    if (needs_state_after(report.step)) run(progress);
  }

  // Not where a run was stopped: it goes on as if it never was.
  void at_end(const train::Progress& progress) override {
    if (progress.step != plan_.last_step) return;
    const bool is_missing = logs_ != nullptr && logs_->tasks->last() != progress.step;
    if (workers::any(workers_, is_missing)) run(progress);
  }

 private:
  void run(const train::Progress& progress) {
    ScoreFile none;
    log::Pace pace;
    const auto tell = [&](const AskedTask& task, int64_t done) {
      if (logs_ == nullptr || !pace.is_due()) return;
      log::progress({{str("evaluating: ", task.name, ", item ", done, " of ", task.num_items()), 1}});
    };
    model_.set_update(progress.step);
    const std::vector<ScoredTask> scored = evaluate_tasks(model_, plan_.tasks, plan_.scoring, workers_, none, tell);
    if (logs_ == nullptr) return;
    nlohmann::json line = accuracies(scored);
    line["step"] = progress.step;
    std::string text;
    for (const ScoredTask& task : scored) text += str("  ", task.name, " ", fixed(100.0 * task.acc.value, 1), " %");
    if (scored.size() > 1) {
      line["average"] = average_acc(scored);
      text += str("  average ", fixed(100.0 * average_acc(scored), 1), " %");
    }
    logs_->tasks->append(line);
    log::info(str("step ", progress.step, text));
  }

  train::RunLogs* logs_;
  TaskPlan plan_;
  nn::Model& model_;
  workers::Communicator& workers_;
};

}  // namespace

std::unique_ptr<train::Hook> task_scores(train::RunLogs* logs, TaskPlan plan, nn::Model& model,
                                         workers::Communicator& workers) {
  const nn::BatchLimits& limits = model.limits();
  const ItemSize largest = size_of(plan.tasks, plan.scoring.max_length, limits.trees);
  if (std::max(largest.tokens, largest.targets) > limits.max_tokens) {
    throw UsageError(str("evaluate.tasks: an item takes ", std::max(largest.tokens, largest.targets),
                         " tokens, more than the ", limits.max_tokens, " of train.micro_batch rows"));
  }
  return std::make_unique<TaskScores>(logs, std::move(plan), model, workers);
}

}  // namespace strata::eval
