// strata sft: fine-tunes a model on instructions.
#include "command.h"
#include "runtime.h"
#include "sft_data.h"
#include "strata/base/check.h"
#include "strata/config/print.h"
#include "training_run.h"

namespace strata::tools {
namespace {

void check_fits(const config::RunConfig& config) {
  if (config.sft.model.empty()) throw UsageError("sft.model: names no model folder to start from");
  if (config.train.loss_average != config::LossAverage::kToken) {
    throw UsageError(
        "train.loss_average=per_micro_batch: the last batch of an epoch may have micro-batches without a "
        "sample; token would do");
  }
  if (config.train.cuda_graph)
    throw UsageError("train.cuda_graph: samples make batches of many shapes; false would do");
}

// Epochs say how many steps there are. A config that a run has left behind says it too.
void settle_steps(config::RunConfig& config, const SftData& data) {
  const int64_t steps = data.steps();
  const bool is_given = config.train.steps != config::TrainConfig{}.steps;
  if (is_given && config.train.steps != steps) {
    throw UsageError(str("train.steps=", config.train.steps, ": sft.epochs=", config.sft.epochs,
                         " of these samples are ", steps, " steps; leave it out (train.stop_after ends a run early)"));
  }
  config.train.steps = steps;
}

void run(config::RunConfig config) {
  check_fits(config);
  set_threads(config.run);
  const SftData data(config);
  settle_steps(config, data);
  train_model("sft", config, data);
}

}  // namespace

void add_sft(CLI::App& program) {
  const auto arguments = std::make_shared<ConfigArguments>();
  CLI::App* command = program.add_subcommand("sft", "fine-tune a model on instructions, all of it or by LISA");
  add_config_option(*command, *arguments);
  add_override_option(*command, *arguments);
  command->footer([] { return "Keys:\n" + config::help(); });
  command->callback([arguments] { run(arguments->load()); });
}

}  // namespace strata::tools
