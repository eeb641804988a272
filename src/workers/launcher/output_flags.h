#pragma once

#include <vector>

#include "strata/workers/launcher_flags.h"

namespace strata::workers {

/// From --log-dir, --redirects, --tee and --local-ranks-filter, for every worker of this node. Throws UsageError.
std::vector<WorkerOutput> output_of(const LaunchFlags& flags, int workers);

}  // namespace strata::workers
