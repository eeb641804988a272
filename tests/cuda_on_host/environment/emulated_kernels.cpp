// Linked into a program of tests: tensors on the CPU are computed by the device's kernels, emulated, with the threads
// of a block in the order that STRATA_THREAD_ORDER names (default: forward).
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cuda_on_host/emulator/emulation.h"
#include "kernels/cuda/cuda_kernels.h"
#include "strata/kernels/device.h"

namespace strata::test {
namespace {

class EmulatedKernels final : public testing::Environment {
 public:
  void SetUp() override {
    scope_.emplace(Emulation{.order = order()});
    const auto no_stream = []() -> kernels::cuda::Stream { return nullptr; };
    kernels::use_device_kernels(at::kCPU, std::make_shared<kernels::cuda::CudaKernels>(no_stream));
  }
  void TearDown() override {
    kernels::use_device_kernels(at::kCPU, nullptr);
    scope_.reset();
  }

 private:
  static ThreadOrder order() {
    static const std::map<std::string, ThreadOrder> kOrders{{"forward", ThreadOrder::kForward},
                                                            {"reverse", ThreadOrder::kReverse},
                                                            {"random", ThreadOrder::kRandom},
                                                            {"greedy", ThreadOrder::kGreedy}};
    const char* wanted = std::getenv("STRATA_THREAD_ORDER");
    return kOrders.at(wanted == nullptr ? "forward" : wanted);
  }

  std::optional<EmulationScope> scope_;
};

const auto* const kEnvironment = testing::AddGlobalTestEnvironment(std::make_unique<EmulatedKernels>().release());

}  // namespace
}  // namespace strata::test
