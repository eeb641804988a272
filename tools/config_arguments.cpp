#include "config_arguments.h"

#include <iostream>

namespace strata::tools {

void add_config_option(const Command& command, ConfigArguments& arguments) {
  command.option("config", arguments.path, "YAML file").required();
}

void add_override_option(const Command& command, ConfigArguments& arguments) {
  command.option("overrides", arguments.overrides,
                 "key.path=value, over the config file; strata inspect --keys lists the keys");
}

void add_config_options(const Command& command, ConfigArguments& arguments) {
  add_config_option(command, arguments);
  add_override_option(command, arguments);
  command.footer("strata inspect --keys lists all keys with their defaults and meanings.");
}

void end_run(int signal) {
  std::cout.clear();  // whoever has stopped reading what a run says has lost none of its results
  if (signal != 0) throw Stopped{128 + signal};
}

}  // namespace strata::tools
