#pragma once

#include <memory>

#include "strata/base/allocator.h"
#include "strata/config/run.h"
#include "strata/kernels/cuda.h"
#include "strata/kernels/gemm.h"

namespace strata::tools {

/// Where run.device says that a run computes.
at::DeviceType device_type_of(const config::RunSettings& run);

/// What a run computes on, as this process uses it.
struct RunDevice {
  at::Device device{at::kCPU};
  std::shared_ptr<kernels::Cuda> cuda = nullptr;  // nullptr: the CPU

  /// The name of a GPU; "cpu".
  std::string name() const { return cuda ? cuda->name() : "cpu"; }
};

/// The GPU's name, or how many threads compute: "2 threads".
std::string place_text(const RunDevice& device);

/// The GPU with this process's local rank among those of its host, or the CPU. Throws UsageError where it is not there.
RunDevice open_device(const config::RunSettings& run);

}  // namespace strata::tools
