#pragma once

#include <functional>
#include <vector>

namespace strata::test {

/// Calls what it is given, with something arranged differently that must not change any bit.
using WayToRun = std::function<void(const std::function<void()>&)>;

/// Those that a program has beside numbers of threads: under emulation, the orders of a block's threads.
std::vector<WayToRun>& ways_to_run();

}  // namespace strata::test
