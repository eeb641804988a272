#include "strata/dist/launcher.h"

#include "dist/launcher_node.h"

namespace strata::dist {

int launch(const LaunchOptions& options) { return NodeLauncher(options).run(); }

}  // namespace strata::dist
