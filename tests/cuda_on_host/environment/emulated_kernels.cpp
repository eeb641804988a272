// Linked into a program of tests: tensors on the CPU are computed by the device's kernels, emulated, with the threads
// of a block in the order that STRATA_THREAD_ORDER names (default: forward).
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "cuda_on_host/emulation_cases.h"
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
    const char* wanted = std::getenv("STRATA_THREAD_ORDER");
    for (const ThreadOrder order : kThreadOrders) {
      if (name_of(order) == std::string(wanted != nullptr ? wanted : "forward")) return order;
    }
    throw std::runtime_error(std::string("STRATA_THREAD_ORDER: no such order: ") + wanted);
  }

  std::optional<EmulationScope> scope_;
};

const auto* const kEnvironment = testing::AddGlobalTestEnvironment(std::make_unique<EmulatedKernels>().release());

}  // namespace
}  // namespace strata::test
