#include "support/gpu.h"

namespace strata::test {

void OnGpu::SetUp() {
  const std::string lacks = kernels::missing_for_cuda();
  if (!lacks.empty()) GTEST_SKIP() << "what runs on a GPU is NOT tested: " << lacks;
  gpu_ = kernels::open_cuda({});
}

std::unique_ptr<TestModel> OnGpu::copy_of(const TestModel& on_cpu, const nn::ModelOptions& options) const {
  auto copy = std::make_unique<TestModel>(on_cpu.model.spec(), options, kernels::make_cuda_gemm(), device());
  nn::Parameters& parameters = copy->model.parameters();
  parameters.master().copy_(on_cpu.model.parameters().master());
  parameters.refresh_values();
  return copy;
}

}  // namespace strata::test
