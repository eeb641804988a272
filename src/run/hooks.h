#pragma once

#include <memory>
#include <vector>

#include "begin.h"
#include "say.h"
#include "strata/run/run.h"

namespace strata::run {

/// What happens beside the steps of a run. rate: of the progress line; nullptr: there is none. result: gets the losses.
/// All that is given must outlive them.
std::vector<std::unique_ptr<train::Hook>> make_hooks(const Settled& run, const RunInput& input,
                                                     train::Training& training, Begun& begun, const Rate* rate,
                                                     const RunOptions& options, RunResult& result);

}  // namespace strata::run
