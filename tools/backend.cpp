#include "backend.h"

#include "strata/base/check.h"
#include "strata/dist/by_device.h"
#include "strata/dist/gloo.h"
#include "strata/dist/nccl.h"

namespace strata::tools {

std::unique_ptr<dist::Communicator> connect_workers(const dist::Store& store, const dist::Worker& self,
                                                    const config::ParallelConfig& config, at::DeviceType device,
                                                    dist::Store::Seconds timeout) {
  const bool on_gpus = device == at::kCUDA;
  if (on_gpus && config.backend == config::Backend::kGloo) {
    throw UsageError("parallel.backend=gloo: carries what lies in the host's memory; workers with GPUs need nccl");
  }
  const auto gloo = [&] {
    return dist::connect_gloo(
        store.under("gloo/"),
        {.rank = self.rank, .world_size = self.world_size, .interface = config.interface, .timeout = timeout});
  };
  const auto nccl = [&] {
    return dist::connect_nccl(
        store.under("nccl/"),
        {.rank = self.rank, .world_size = self.world_size, .device = self.local_rank, .timeout = timeout});
  };
  if (on_gpus) {
    auto for_host = gloo();
    return dist::by_device(std::move(for_host), nccl());
  }
  return config.backend == config::Backend::kNccl ? nccl() : gloo();
}

}  // namespace strata::tools
