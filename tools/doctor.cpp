// strata doctor: what this installation is and what it lacks.
#include <iostream>

#include "command.h"
#include "strata/base/version.h"

namespace strata::tools {

void add_doctor(CLI::App& program) {
  CLI::App* command = program.add_subcommand("doctor", "versions, threads, devices, and what is missing");
  command->callback([] { std::cout << "strata " << version() << ", LibTorch " << torch_version() << "\n"; });
}

}  // namespace strata::tools
