#include "hooks.h"

#include "strata/base/check.h"
#include "strata/eval/task_hook.h"

namespace strata::run {
namespace {

class Losses final : public train::Hook {
 public:
  explicit Losses(RunResult& result) : result_(result) {}

  void after_step(const train::StepReport& report, const train::Progress&) override {
    std::vector<double>& losses = result_.losses;
    if (std::ssize(losses) == kResultLosses) losses.erase(losses.begin());
    if (report.targets > 0) losses.push_back(report.loss);
    result_.idle_steps = report.updated ? 0 : result_.idle_steps + 1;
  }

 private:
  RunResult& result_;
};

std::unique_ptr<train::Hook> task_scores(const Settled& run, const RunInput& input, train::Training& training,
                                         train::RunLogs* logs) {
  const config::EvaluateTasksConfig& tasks = run.config.evaluate.tasks;
  const auto loaded = [&] {
    try {
      return eval::load_tasks(tasks.names, tasks.data);
    } catch (const UsageError& failure) {
      throw UsageError(str("evaluate.tasks.names: ", failure.what()));
    }
  }();
  if (input.tokenizer() == nullptr)
    throw UsageError("evaluate.tasks.names: tasks are text, and data.tokenizer names no tokenizer");
  eval::TaskPlan plan{.tasks = eval::ask(loaded, *input.tokenizer(), {.shots = tasks.shots, .limit = tasks.limit}),
                      .scoring = {.max_length = run.config.data.sequence_length},
                      .every = tasks.every,
                      .last_step = run.schedule.updates()};
  return eval::task_scores(logs, std::move(plan), training.model, training.parallel.workers);
}

}  // namespace

std::vector<std::unique_ptr<train::Hook>> make_hooks(const Settled& run, const RunInput& input,
                                                     train::Training& training, Begun& begun, const Rate* rate,
                                                     const RunOptions& options, RunResult& result) {
  const config::RunConfig& config = run.config;
  train::RunLogs* logs = begun.logs ? &*begun.logs : nullptr;
  std::vector<std::unique_ptr<train::Hook>> hooks;
  if (logs != nullptr) {
    hooks.push_back(train::metrics_files(*logs, config.train.spike.action != config::SpikeAction::kNone));
  }
  if (rate != nullptr) {
    hooks.push_back(train::console(
        {.last_step = run.schedule.updates(), .flops_per_token = rate->flops_per_token, .peak_gflops = rate->gflops}));
  }
  hooks.push_back(std::make_unique<Losses>(result));
  if (auto plan = input.evaluation(run, training)) {
    plan->last_step = run.schedule.updates();
    plan->says = rate != nullptr;
    plan->tell = [&result](const train::EvaluationResult& evaluation) { result.validation_loss = evaluation.loss; };
    hooks.push_back(train::evaluation(logs, std::move(*plan), training.model, training.parallel.workers));
  }
  if (!config.evaluate.tasks.names.empty()) hooks.push_back(task_scores(run, input, training, logs));
  hooks.push_back(train::checkpoints(config.checkpoint, begun.start, training.writer, logs, training.parallel,
                                     training.lisa ? &*training.lisa : nullptr));
  if (training.lisa) hooks.push_back(train::lisa(*training.lisa));
  for (const MakeHook& make : options.hooks) hooks.push_back(make(training));
  return hooks;
}

}  // namespace strata::run
