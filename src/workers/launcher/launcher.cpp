#include "strata/workers/launcher.h"

#include "node.h"

namespace strata::workers {

int launch(const LaunchOptions& options) { return NodeLauncher(options).run(); }

}  // namespace strata::workers
