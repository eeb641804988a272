#pragma once

#include <vector>

#include "strata/dist/launcher_flags.h"

namespace strata::dist {

/// From --log-dir, --redirects, --tee and --local-ranks-filter, for every worker of this node. Throws UsageError.
std::vector<WorkerOutput> output_of(const LaunchFlags& flags, int workers);

}  // namespace strata::dist
