#pragma once

#include <memory>
#include <vector>

#include "strata/run/device.h"
#include "strata/run/input.h"
#include "strata/run/run.h"
#include "strata/run/settle.h"

namespace strata::run {

/// Runs the steps that are left after result.progress, with all workers, until the last one or until a signal stops any
/// of them; both are in the result then, on all of them. says: whether to tell what became of the data.
void train_until_the_end(const Settled& run, const RunInput& input, const RunDevice& device, train::Training& training,
                         const std::vector<std::unique_ptr<train::Hook>>& hooks, bool says, RunResult& result);

}  // namespace strata::run
