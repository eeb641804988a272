#pragma once

#include "device.h"
#include "run_input.h"
#include "strata/train/trainer.h"
#include "strata/train/training.h"

namespace strata::tools {

/// Runs the steps that are left after `progress`, with all workers, until the last one or until a signal stops any of
/// them. Gives that signal, on all of them; 0: none did.
int train_until_the_end(const config::RunConfig& config, const optim::Schedule& schedule, const RunInput& input,
                        const RunDevice& device, train::Training& training,
                        const std::vector<std::unique_ptr<train::Hook>>& hooks, train::Progress& progress);

}  // namespace strata::tools
