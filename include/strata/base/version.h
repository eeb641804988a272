#pragma once

#include <string>

namespace strata {

/// Strata's own version, "0.1.0".
std::string version();

/// The version of the LibTorch that this was compiled against, "2.11.0".
std::string torch_version();

/// The compiler and kind of build, "GNU 12.2.0, Release".
std::string build();

}  // namespace strata
