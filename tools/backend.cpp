#include "backend.h"

#include "strata/dist/gloo.h"
#include "strata/dist/nccl.h"

namespace strata::tools {

std::unique_ptr<dist::Communicator> connect_workers(const dist::Store& store, const dist::Worker& self,
                                                    const config::ParallelConfig& config,
                                                    dist::Store::Seconds timeout) {
  if (config.backend == config::Backend::kNccl) {
    return dist::connect_nccl(
        store.under("nccl/"),
        {.rank = self.rank, .world_size = self.world_size, .device = self.local_rank, .timeout = timeout});
  }
  // auto too: models train on the CPU.
  return dist::connect_gloo(
      store.under("gloo/"),
      {.rank = self.rank, .world_size = self.world_size, .interface = config.interface, .timeout = timeout});
}

}  // namespace strata::tools
