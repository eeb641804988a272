#pragma once

#include <memory>
#include <vector>

#include "strata/train/hooks.h"
#include "strata/train/training.h"

namespace strata::tools {

/// What happens beside the steps of a run. logs: nullptr on other workers than the first.
std::vector<std::unique_ptr<train::Hook>> make_hooks(const config::RunConfig& config, train::Training& training,
                                                     const train::CheckpointState& state,
                                                     const data::BatchSet* validation, train::RunLogs* logs,
                                                     const train::ConsoleFacts& facts);

}  // namespace strata::tools
