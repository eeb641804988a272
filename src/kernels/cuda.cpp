// libstrata_cuda.so (src/kernels/cuda), opened so that those who compute on the CPU load no CUDA library.
#include "strata/kernels/cuda.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <bit>

#include "strata/base/check.h"
#include "strata/base/machine.h"
#include "strata/base/shared_module.h"

namespace strata::kernels {
namespace {

using Open = Cuda* (*)(const CudaOptions&);

const Module kModule{.library = "libstrata_cuda.so",
                     .option = "--cuda",
                     .build = "CUDA: on",
                     .libraries = "pip install torch==2.11.0 brings CUDA's libraries"};

ModuleFunction open_function() { return open_module(kModule, "strata_open_cuda"); }

}  // namespace

CudaBuild cuda_build() {
  const ModuleFunction found = open_module(kModule, "strata_cuda_architectures");
  if (!found.problem.empty()) return {.problem = found.problem};
  return {.architectures = std::bit_cast<const char* (*)()>(found.function)()};
}

std::string missing_for_cuda() {
  if (gpu_count() == 0) return "no NVIDIA GPU is visible";
  return open_function().problem;
}

std::shared_ptr<Cuda> open_cuda(const CudaOptions& options) {
  if (const std::string lacks = missing_for_cuda(); !lacks.empty()) throw UsageError("run.device=cuda: " + lacks);
  return std::shared_ptr<Cuda>(std::bit_cast<Open>(open_function().function)(options));
}

void synchronize(const at::Device& device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

}  // namespace strata::kernels
