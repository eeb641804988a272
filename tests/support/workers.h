#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "strata/workers/communicator.h"

namespace strata::test {

/// Runs `work` as `world_size` workers, each a thread with a communicator of its own over Gloo (one: alone), each with
/// one thread to compute on. Throws what the first of them to fail throws.
void as_workers(int world_size, const std::function<void(workers::Communicator&)>& work);

}  // namespace strata::test
