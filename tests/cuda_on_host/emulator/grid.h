// A launch: the blocks of a grid, one after another on the calling thread.
#pragma once

#include <cstddef>
#include <functional>

#include "cuda_on_host/emulator/words.h"

namespace strata::test::emulated {

/// Calls `kernel` as every thread of the grid. Throws EmulationError for a shape that no device takes, and for what
/// the kernel does wrong.
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel);

}  // namespace strata::test::emulated
