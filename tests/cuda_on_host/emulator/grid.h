// A launch: the blocks of a grid, one after another on the calling thread.
#pragma once

#include <cstddef>
#include <functional>

#include "cuda_on_host/emulator/shared_memory.h"
#include "cuda_on_host/emulator/words.h"

namespace strata::test::emulated {

/// Calls `kernel` as every thread of the grid. Throws EmulationError for a shape that no device takes, and for what
/// the kernel does wrong.
void run_grid(dim3 grid, dim3 block, const DynamicShared& shared, const std::function<void()>& kernel);

/// How often this thread has called run_grid.
int64_t num_launches();

}  // namespace strata::test::emulated
