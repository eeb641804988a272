#pragma once

#include <string>
#include <vector>

#include "command.h"
#include "strata/run/settle.h"

namespace strata::tools {

/// A config on the command line.
struct ConfigArguments {
  std::string path;
  std::vector<std::string> overrides;

  config::RunConfig load() const { return run::load_config(path, overrides); }
};

/// The positional arguments CONFIG, and key.path=value... which must come after every other positional argument.
void add_config_option(const Command& command, ConfigArguments& arguments);
void add_override_option(const Command& command, ConfigArguments& arguments);

/// Of a command that trains: both, and all keys below its help.
void add_config_options(const Command& command, ConfigArguments& arguments);

/// Throws Stopped where a signal ended the run.
void end_run(int signal);

}  // namespace strata::tools
