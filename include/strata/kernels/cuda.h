#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>

namespace strata::kernels {

/// Work that was recorded once and is launched as a whole: the same kernels on the same addresses.
class CudaGraph {
 public:
  virtual ~CudaGraph() = default;
  /// Runs `work` once without effect on memory, recording what it enqueues on the current stream. It must not wait for
  /// the device, and must have run for real before, so that libraries have set themselves up.
  virtual void capture(const std::function<void()>& work) = 0;
  virtual void replay() = 0;
};

/// One GPU, as this process uses it. Everything else about it goes through tensors.
class Cuda {
 public:
  struct Memory {
    int64_t free = 0;  // bytes
    int64_t total = 0;
  };

  virtual ~Cuda() = default;
  virtual at::Device device() const = 0;
  virtual std::string name() const = 0;
  /// What tells it from all other GPUs, whatever number it has here.
  virtual std::string identity() const = 0;
  virtual Memory memory() const = 0;
  /// Of ATen's allocator: the most that tensors have taken at once, in bytes.
  virtual int64_t peak_allocated_bytes() const = 0;
  virtual std::unique_ptr<CudaGraph> make_graph() const = 0;
  /// NVTX ranges, for profilers: `phase` is over where the next one begins; nullptr: none begins.
  virtual void enter_range(const char* phase) = 0;
};

struct CudaOptions {
  int index = 0;
  bool tf32 = false;  // in matrix products of fp32
};

/// What this build has for GPUs, whether there are any or not.
struct CudaBuild {
  std::string architectures = {};  // that its kernels are compiled for: "sm_80, sm_90 and newer"
  std::string problem = {};        // not empty: why none of them can be used
};
/// Opens libraries, but makes no call to CUDA.
CudaBuild cuda_build();

/// Why there is no GPU to compute on; empty: there is one.
std::string missing_for_cuda();

/// Makes the GPU the current one and lets Strata's kernels compute tensors on it. ATen's algorithms are deterministic
/// from now on. Throws UsageError where missing_for_cuda gives a reason.
std::shared_ptr<Cuda> open_cuda(const CudaOptions& options);

/// Returns when everything that was enqueued on the tensor's device is done; at once on the CPU.
void synchronize(const at::Device& device);

}  // namespace strata::kernels
