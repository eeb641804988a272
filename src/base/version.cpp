#include "strata/base/version.h"

#include <torch/version.h>

namespace strata {

std::string version() { return STRATA_VERSION; }
std::string commit() { return STRATA_COMMIT; }
std::string build() { return STRATA_BUILD; }
std::string torch_version() { return TORCH_VERSION; }

}  // namespace strata
