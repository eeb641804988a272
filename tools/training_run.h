#pragma once

#include <string>

#include "run_input.h"

namespace strata::tools {

/// Builds the parts of a run, says what will run, and runs it to its end or to a signal. command: its name, for people.
void train_model(const std::string& command, config::RunConfig config, const RunInput& input);

}  // namespace strata::tools
