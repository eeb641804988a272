#pragma once

#include "command.h"
#include "strata/run/evaluate.h"

namespace strata::tools {

/// The folder, and what says how its model is computed.
void add_model_options(const Command& command, run::JudgedModel& model);

}  // namespace strata::tools
