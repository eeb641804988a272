#include "device.h"

#include <ATen/Parallel.h>

#include "strata/base/check.h"
#include "strata/workers/worker.h"

namespace strata::tools {

at::DeviceType device_type_of(const config::RunSettings& run) {
  if (run.device == config::Device::kAuto) return kernels::missing_for_cuda().empty() ? at::kCUDA : at::kCPU;
  return run.device == config::Device::kCuda ? at::kCUDA : at::kCPU;
}

std::string place_text(const RunDevice& device) {
  if (device.cuda) return device.name();
  const int count = at::get_num_threads();
  return str(count, count == 1 ? " thread" : " threads");
}

RunDevice open_device(const config::RunSettings& run) {
  if (device_type_of(run) == at::kCPU) return {};
  const auto self = workers::worker_of_environment();
  const auto cuda = kernels::open_cuda({.index = self ? self->local_rank : 0, .tf32 = run.tf32});
  return {.device = cuda->device(), .cuda = cuda};
}

}  // namespace strata::tools
