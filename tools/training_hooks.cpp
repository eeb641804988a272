#include "training_hooks.h"

#include "strata/base/check.h"
#include "strata/eval/task_hook.h"

namespace strata::tools {
namespace {

std::unique_ptr<train::Hook> task_scores(const config::RunConfig& config, const RunInput& input,
                                         train::Training& training, train::RunLogs* logs, int64_t last_step) {
  const config::EvaluateTasksConfig& tasks = config.evaluate.tasks;
  const auto loaded = [&] {
    try {
      return eval::load_tasks(tasks.names, tasks.data);
    } catch (const UsageError& failure) {
      throw UsageError(str("evaluate.tasks.names: ", failure.what()));
    }
  }();
  eval::TaskPlan plan{.tasks = eval::ask(loaded, input.tokenizer(), {.shots = tasks.shots, .limit = tasks.limit}),
                      .scoring = {.max_length = config.data.sequence_length},
                      .every = tasks.every,
                      .last_step = last_step};
  return eval::task_scores(logs, std::move(plan), training.model, training.parallel.workers);
}

}  // namespace

std::vector<std::unique_ptr<train::Hook>> make_hooks(const config::RunConfig& config, const RunInput& input,
                                                     train::Training& training, const train::CheckpointState& state,
                                                     train::RunLogs* logs, const train::ConsoleFacts& facts) {
  std::vector<std::unique_ptr<train::Hook>> hooks;
  if (logs != nullptr) {
    const bool watches_spikes = config.train.spike.action != config::SpikeAction::kNone;
    hooks.push_back(train::metrics_files(*logs, training.model.parameters(), watches_spikes));
    if (config.telemetry.tensorboard) hooks.push_back(train::tensorboard_files(config.run.dir, state.progress));
    hooks.push_back(train::console(facts));
  }
  if (auto evaluation = input.evaluation(training, logs, facts.last_step)) hooks.push_back(std::move(evaluation));
  if (!config.evaluate.tasks.names.empty()) {
    hooks.push_back(task_scores(config, input, training, logs, facts.last_step));
  }
  hooks.push_back(train::checkpoints(config.checkpoint, state, training.writer, logs, training.parallel,
                                     training.turns ? &*training.turns : nullptr));
  if (training.turns) hooks.push_back(train::layer_turns(*training.turns));
  return hooks;
}

}  // namespace strata::tools
