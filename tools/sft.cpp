// strata sft: fine-tunes a model on instructions.
#include "config_arguments.h"
#include "strata/run/run.h"

namespace strata::tools {

void add_sft(const Command& program) {
  const auto arguments = std::make_shared<ConfigArguments>();
  const Command command = program.add("sft", "fine-tune a model on instructions, all of it or by LISA");
  add_config_options(command, *arguments);
  command.run([arguments] { end_run(run::fine_tune(arguments->load()).signal); });
}

}  // namespace strata::tools
