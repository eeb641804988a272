#pragma once

#include <c10/core/DeviceType.h>

#include <memory>

#include "strata/config/parallel.h"
#include "strata/workers/communicator.h"
#include "strata/workers/worker.h"

namespace strata::tools {

/// Workers that have met in `store` and compute on such devices, connected over what parallel.backend names; those with
/// GPUs over NCCL, and over Gloo for what lies in their hosts' memory. Throws what connect_gloo and connect_nccl throw,
/// and UsageError for a backend that cannot carry what lies on the device.
std::unique_ptr<workers::Communicator> connect_workers(const workers::Store& store, const workers::Worker& self,
                                                       const config::ParallelConfig& config, at::DeviceType device,
                                                       workers::Store::Seconds timeout);

}  // namespace strata::tools
