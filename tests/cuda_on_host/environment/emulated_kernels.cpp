// Linked into a program of tests: tensors on the CPU are computed by the device's kernels, emulated. Where a test asks
// whether bits depend on threads, the threads of a block run in every order.
#include <gtest/gtest.h>

#include <memory>

#include "cuda_on_host/emulator/emulation.h"
#include "kernels/cuda/cuda_kernels.h"
#include "strata/kernels/device.h"
#include "support/ways_to_run.h"

namespace strata::test {
namespace {

class EmulatedKernels final : public testing::Environment {
 public:
  void SetUp() override {
    const auto no_stream = []() -> kernels::cuda::Stream { return nullptr; };
    kernels::use_device_kernels(at::kCPU, std::make_shared<kernels::cuda::CudaKernels>(no_stream));
    for (const ThreadOrder order : kThreadOrders) {
      ways_to_run().emplace_back([order](const std::function<void()>& run) {
        const EmulationScope scope({.order = order});
        run();
      });
    }
  }
  void TearDown() override {
    ways_to_run().clear();
    kernels::use_device_kernels(at::kCPU, nullptr);
  }
};

const auto* const kEnvironment = testing::AddGlobalTestEnvironment(std::make_unique<EmulatedKernels>().release());

}  // namespace
}  // namespace strata::test
