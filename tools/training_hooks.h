#pragma once

#include <memory>
#include <vector>

#include "run_input.h"
#include "strata/train/hooks.h"
#include "strata/train/training.h"

namespace strata::tools {

/// What happens beside the steps of a run. logs: nullptr on other workers than the first.
std::vector<std::unique_ptr<train::Hook>> make_hooks(const config::RunConfig& config, const RunInput& input,
                                                     train::Training& training, const train::CheckpointState& state,
                                                     train::RunLogs* logs, const train::ConsoleFacts& facts);

}  // namespace strata::tools
