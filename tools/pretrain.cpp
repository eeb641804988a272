// strata pretrain: trains a model from random numbers on text.
#include "config_arguments.h"
#include "strata/run/run.h"

namespace strata::tools {

void add_pretrain(const Command& program) {
  const auto arguments = std::make_shared<ConfigArguments>();
  const Command command = program.add("pretrain", "train a model from one YAML file");
  add_config_options(command, *arguments);
  command.run([arguments] { end_run(run::pretrain(arguments->load()).signal); });
}

}  // namespace strata::tools
