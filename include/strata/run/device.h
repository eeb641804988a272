#pragma once

#include <memory>
#include <string>

#include "strata/config/run_config.h"
#include "strata/kernels/cuda.h"
#include "strata/kernels/gemm.h"

namespace strata::run {

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

/// Which of the GPUs that this process sees is its own: a launcher that shows each worker one, as srun's
/// --gpus-per-task=1 does, numbers it 0 for all of them.
int gpu_index(int local_rank);

/// The GPU with this process's local rank among those of its host, or the CPU. Throws UsageError where it is not there.
RunDevice open_device(const config::RunSettings& run);

/// Sets the number of threads; 0: all cores, or what OMP_NUM_THREADS says.
void set_threads(const config::RunSettings& run);

/// What the products of a run on the CPU are.
kernels::GemmUse gemm_use(const config::RunConfig& config);

/// Sets the number of threads and gives the CPU's GEMM library that `run.gemm` names, or the fastest for this use.
/// Comes before anything that computes.
std::unique_ptr<kernels::Gemm> open_gemm(const config::RunSettings& run, const kernels::GemmUse& use);

/// What multiplies matrices on the device: CUDA's library, or open_gemm's.
std::unique_ptr<kernels::Gemm> open_gemm(const config::RunSettings& run, const kernels::GemmUse& use,
                                         const RunDevice& device);

}  // namespace strata::run
