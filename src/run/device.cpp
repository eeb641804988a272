#include "strata/run/device.h"

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/threads.h"
#include "strata/config/enums.h"
#include "strata/nn/of_config.h"
#include "strata/workers/worker.h"

namespace strata::run {

at::DeviceType device_type_of(const config::RunSettings& run) {
  if (run.device == config::Device::kAuto) return kernels::missing_for_cuda().empty() ? at::kCUDA : at::kCPU;
  return run.device == config::Device::kCuda ? at::kCUDA : at::kCPU;
}

std::string place_text(const RunDevice& device) {
  if (device.cuda) return device.name();
  const int count = num_threads();
  return str(count, count == 1 ? " thread" : " threads");
}

int gpu_index(int local_rank) { return gpu_count() == 1 ? 0 : local_rank; }

RunDevice open_device(const config::RunSettings& run) {
  const auto self = workers::worker_of_environment();
  if (device_type_of(run) == at::kCPU) {
    const bool speaks = !self || self->rank == 0;
    if (run.device == config::Device::kAuto && gpu_count() > 0 && speaks) {
      log::warn(
          str("run.device: auto takes the processor, not ", gpu_names().front(), ": ", kernels::missing_for_cuda()));
    }
    return {};
  }
  const auto cuda = kernels::open_cuda({.index = gpu_index(self ? self->local_rank : 0), .tf32 = run.tf32});
  return {.device = cuda->device(), .cuda = cuda};
}

void set_threads(const config::RunSettings& run) {
  if (run.threads > 0) set_num_threads(static_cast<int>(run.threads));
}

kernels::GemmUse gemm_use(const config::RunConfig& config) {
  const bool in_fp32 = nn::options_for(config).precision == config::Precision::kFp32;
  return {.hidden = config.model.hidden, .factors = in_fp32 ? at::kFloat : at::kBFloat16};
}

std::unique_ptr<kernels::Gemm> open_gemm(const config::RunSettings& run, const kernels::GemmUse& use) {
  set_threads(run);
  if (run.gemm == config::Gemm::kAuto) return kernels::fastest_gemm(use);
  return kernels::make_gemm(std::string(config::enum_name(run.gemm)));
}

std::unique_ptr<kernels::Gemm> open_gemm(const config::RunSettings& run, const kernels::GemmUse& use,
                                         const RunDevice& device) {
  return device.cuda ? kernels::make_cuda_gemm() : open_gemm(run, use);
}

}  // namespace strata::run
