#include "backend.h"

#include "strata/base/check.h"
#include "strata/workers/by_device.h"
#include "strata/workers/gloo.h"
#include "strata/workers/nccl.h"

namespace strata::tools {

std::unique_ptr<workers::Communicator> connect_workers(const workers::Store& store, const workers::Worker& self,
                                                       const config::ParallelConfig& config, at::DeviceType device,
                                                       workers::Store::Seconds timeout) {
  const bool on_gpus = device == at::kCUDA;
  if (on_gpus && config.backend == config::Backend::kGloo) {
    throw UsageError("parallel.backend=gloo: carries what lies in the host's memory; workers with GPUs need nccl");
  }
  const auto gloo = [&] {
    return workers::connect_gloo(
        store.under("gloo/"),
        {.rank = self.rank, .world_size = self.world_size, .interface = config.interface, .timeout = timeout});
  };
  const auto nccl = [&] {
    return workers::connect_nccl(
        store.under("nccl/"),
        {.rank = self.rank, .world_size = self.world_size, .device = self.local_rank, .timeout = timeout});
  };
  if (on_gpus) {
    auto for_host = gloo();
    return workers::by_device(std::move(for_host), nccl());
  }
  return config.backend == config::Backend::kNccl ? nccl() : gloo();
}

}  // namespace strata::tools
