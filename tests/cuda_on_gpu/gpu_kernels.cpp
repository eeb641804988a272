// Linked into a program of tests: tensors on the CPU lie in pinned memory, which a GPU reaches under the same
// addresses, and are computed by the device's kernels on that GPU. Without one nothing is tested, and the program says
// so.
#include <ATen/core/CachingHostAllocator.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "strata/base/check.h"
#include "strata/kernels/cuda.h"
#include "strata/kernels/device.h"

namespace strata::test {
namespace {

class GpuKernels final : public testing::Environment {
 public:
  void SetUp() override {
    const std::string lacks = kernels::missing_for_cuda();
    if (!lacks.empty()) GTEST_SKIP() << "Strata's kernels on a GPU are NOT tested: " << lacks;
    // CUDA reads it when it starts. Every launch waits for its kernel, as what tests read is not ordered by streams.
    setenv("CUDA_LAUNCH_BLOCKING", "1", 1);
    gpu_ = kernels::open_cuda({});
    at::Allocator* pinned = at::getHostAllocator(at::kCUDA);
    STRATA_CHECK(pinned != nullptr, "ATen has no allocator of pinned memory");
    pageable_ = c10::GetCPUAllocator();
    c10::SetCPUAllocator(pinned);
    kernels::use_device_kernels(at::kCPU, kernels::device_kernels_for(at::kCUDA));
  }

  void TearDown() override {
    if (!gpu_) return;
    kernels::use_device_kernels(at::kCPU, nullptr);
    c10::SetCPUAllocator(pageable_);
  }

 private:
  std::shared_ptr<kernels::Cuda> gpu_;
  at::Allocator* pageable_ = nullptr;
};

const auto* const kEnvironment = testing::AddGlobalTestEnvironment(std::make_unique<GpuKernels>().release());

}  // namespace
}  // namespace strata::test
