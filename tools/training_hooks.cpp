#include "training_hooks.h"

namespace strata::tools {

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
  hooks.push_back(train::checkpoints(config.checkpoint, state, training.writer, logs, training.parallel,
                                     training.turns ? &*training.turns : nullptr));
  if (training.turns) hooks.push_back(train::layer_turns(*training.turns));
  return hooks;
}

}  // namespace strata::tools
