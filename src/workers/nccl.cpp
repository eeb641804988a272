// libstrata_nccl.so (src/workers/nccl), opened so that only those who ask for NCCL load CUDA's libraries.
#include "strata/workers/nccl.h"

#include <bit>

#include "strata/base/check.h"
#include "strata/base/shared_module.h"

namespace strata::workers {
namespace {

using Connect = Communicator* (*)(const Store&, const NcclOptions&);

const Module kModule{.library = "libstrata_nccl.so",
                     .option = "--cuda",
                     .build = "CUDA: on",
                     .libraries = "pip install torch==2.11.0 brings CUDA's libraries"};

ModuleFunction connect_function() { return open_module(kModule, "strata_connect_nccl"); }

}  // namespace

std::string missing_for_nccl() { return connect_function().problem; }

std::unique_ptr<Communicator> connect_nccl(const Store& store, const NcclOptions& options) {
  const ModuleFunction connect = connect_function();
  if (connect.function == nullptr) throw UsageError("parallel.backend=nccl: " + connect.problem);
  return std::unique_ptr<Communicator>(std::bit_cast<Connect>(connect.function)(store, options));
}

}  // namespace strata::workers
