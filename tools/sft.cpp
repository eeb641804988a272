// strata sft: fine-tunes a model on instructions.
#include "command.h"
#include "runtime.h"
#include "sft_data.h"
#include "strata/config/print.h"
#include "training_run.h"

namespace strata::tools {
namespace {

void run(const config::RunConfig& config) {
  set_threads(config.run);
  const SftData data(config);
  train_model("sft", data.config(), data);
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
