#pragma once

#include <string>

namespace strata {

/// Strata's own version, "0.1.0".
std::string version();

/// The commit that it was built from, with "-dirty" where files differ from it; "unknown" outside of a repository, and
/// in developers' builds, which are not configured again for each commit.
std::string commit();

/// The version of the LibTorch that this was compiled against, "2.11.0".
std::string torch_version();

/// The compiler and kind of build, "GNU 12.2.0, Release".
std::string build();

}  // namespace strata
