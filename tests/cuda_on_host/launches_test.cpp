// The work that strata plan and strata bench launches count, against the kernels that the emulator is asked for.
#include <ATen/ops/empty.h>

#include <algorithm>

#include "cuda_on_host/emulator/grid.h"
#include "kernels/cuda/cuda_kernels.h"
#include "strata/kernels/device.h"
#include "strata/kernels/launch_log.h"
#include "strata/nn/of_config.h"
#include "support/models.h"
#include "support/training.h"

namespace strata::test {
namespace {

// While it lives, tensors on the CPU are computed by the device's kernels, emulated.
class Emulated {
 public:
  Emulated() {
    const auto no_stream = []() -> kernels::cuda::Stream { return nullptr; };
    kernels::use_device_kernels(at::kCPU, std::make_shared<kernels::cuda::CudaKernels>(no_stream));
  }
  ~Emulated() { kernels::use_device_kernels(at::kCPU, nullptr); }
};

config::RunConfig config_of(const std::string& scheme, config::Precision precision) {
  config::RunConfig config;
  config.model = tiny_dims();
  config.norm.scheme = scheme;
  config.train.precision = precision;
  config.train.global_batch = config.train.micro_batch;
  return config;
}

nn::ModelOptions options_of(const config::RunConfig& config) {
  nn::ModelOptions options = tiny_options();
  options.precision = config.train.precision;
  return options;
}

// A micro-batch, the measure of its gradients, and the update.
void work(nn::Model& model, const config::RunConfig& config, const data::TokenBatch& batch, Allocator& memory) {
  LoneTraining training(config, model, memory);
  const train::StepNumbers& numbers = training.parallel.numbers;
  const nn::Parameters& parameters = model.parameters();
  const at::Tensor number = at::empty({}, parameters.master().options().dtype(at::kDouble)).zero_();
  model.add_loss_and_gradients(number, batch, number);
  training.parallel.gradient_meter.measure(numbers.gradients, parameters.gradients());
  training.optimizer->update({.values = parameters.master(),
                              .value_ranges = parameters.master_ranges(),
                              .gradients = parameters.gradients(),
                              .copy = parameters.is_mixed() ? parameters.values() : at::Tensor()},
                             0, 1e-3, numbers.outcome);
}

int64_t emulated_launches(const config::RunConfig& config) {
  const Emulated emulated;
  TestModel test(nn::describe(config), options_of(config), "tiles");
  randomise(test.model.parameters(), 3);
  Allocator memory(at::kCPU);
  const int64_t before = emulated::num_launches();
  work(test.model, config, tiny_batch(config.model.vocab), memory);
  return emulated::num_launches() - before;
}

// Strata's own kernels: not products, nor operations of ATen, whose names end with a bar here.
int64_t counted_launches(const config::RunConfig& config) {
  data::TokenBatch batch = tiny_batch(config.model.vocab);
  for (const data::BatchTensor& tensor : data::kBatchTensors)
    batch.*tensor.member = (batch.*tensor.member).to(at::kMeta);
  kernels::LaunchLog log;
  Allocator memory = Allocator::planning(at::kCUDA);
  nn::Model model(nn::describe(config), options_of(config), log.gemm(), memory);
  log.take();
  work(model, config, batch, memory);
  int64_t launches = 0;
  for (const kernels::Launch& launch : log.take()) {
    if (launch.m == 0 && !launch.kernel.ends_with('_')) launches += launch.launches;
  }
  return launches;
}

class Launches : public testing::TestWithParam<std::string> {};

TEST_P(Launches, AreThoseOfTheKernels) {
  const config::RunConfig config = config_of(GetParam(), config::Precision::kFp32);
  const int64_t launches = emulated_launches(config);
  EXPECT_GT(launches, 50);
  EXPECT_EQ(counted_launches(config), launches);
}

INSTANTIATE_TEST_SUITE_P(Schemes, Launches,
                         testing::Values("post", "pre", "pre+gpas", "sandwich+gpas", "deepnorm+gpas", "mix+gpas",
                                         "hybrid", "derf", "lns"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '+', '_');
                           return name;
                         });

}  // namespace
}  // namespace strata::test
