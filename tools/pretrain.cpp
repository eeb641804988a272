// strata pretrain: trains a model from random numbers on text.
#include "command.h"
#include "runtime.h"
#include "strata/base/check.h"
#include "strata/config/print.h"
#include "training_data.h"
#include "training_run.h"

namespace strata::tools {
namespace {

void run(const config::RunConfig& config) {
  if (!config.sft.model.empty()) {
    throw UsageError(str("sft.model=", config.sft.model, ": strata sft is what fine-tunes"));
  }
  set_threads(config.run);
  train_model("pretrain", config, TrainingData(config));
}

}  // namespace

void add_pretrain(CLI::App& program) {
  const auto arguments = std::make_shared<ConfigArguments>();
  CLI::App* command = program.add_subcommand("pretrain", "train a model from one YAML file");
  add_config_option(*command, *arguments);
  add_override_option(*command, *arguments);
  command->footer([] { return "Keys:\n" + config::help(); });
  command->callback([arguments] { run(arguments->load()); });
}

}  // namespace strata::tools
