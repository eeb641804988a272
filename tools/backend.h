#pragma once

#include <memory>

#include "strata/config/parallel.h"
#include "strata/dist/communicator.h"
#include "strata/dist/worker.h"

namespace strata::tools {

/// Workers that have met in `store`, connected over what parallel.backend names. Throws what connect_gloo and
/// connect_nccl throw.
std::unique_ptr<dist::Communicator> connect_workers(const dist::Store& store, const dist::Worker& self,
                                                    const config::ParallelConfig& config, dist::Store::Seconds timeout);

}  // namespace strata::tools
