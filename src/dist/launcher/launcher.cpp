#include "strata/dist/launcher.h"

#include "node.h"

namespace strata::dist {

int launch(const LaunchOptions& options) { return NodeLauncher(options).run(); }

}  // namespace strata::dist
