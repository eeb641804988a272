#pragma once

#include <memory>
#include <string>

#include "strata/workers/communicator.h"
#include "strata/workers/store.h"

namespace strata::workers {

struct NcclOptions {
  int rank = 0;
  int world_size = 1;
  int device = 0;               // the number of this worker's GPU on its host: its local rank
  Store::Seconds timeout{600};  // of every collective, from when it is asked for, and of meeting
};

/// Workers with a GPU each, over NCCL: tensors on that GPU, and small ones on the CPU, which go through the GPU and are
/// back after wait(). They meet in `store`, under a prefix that no other group uses.
///
/// Collectives run one after another on a stream of their own, of high priority, each after what the current stream
/// holds when it is asked for. Where one fails or takes longer than the timeout, all that are under way are given up,
/// what they write is worthless, and every later request and wait() throws Error. time() counts as waited only what the
/// caller waited for tensors on the CPU.
///
/// Throws UsageError ("parallel.backend=nccl: ...") where libstrata_nccl.so, CUDA's libraries or the GPU are missing,
/// and Error, naming a worker that did not come, when not all are there within the timeout. Unless they are set, sets
/// TORCH_NCCL_* variables so that c10d leaves the process alive after a failure.
std::unique_ptr<Communicator> connect_nccl(const Store& store, const NcclOptions& options);

/// What connect_nccl lacks on this machine, GPUs aside; empty if nothing. Opens libraries, but makes no call to CUDA.
std::string missing_for_nccl();

}  // namespace strata::workers
