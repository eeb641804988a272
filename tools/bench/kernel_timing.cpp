#include "kernel_timing.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>

#include "strata/kernels/cuda.h"

namespace strata::tools {

double seconds_of(const std::function<void()>& run, const at::Device& device) {
  using Clock = std::chrono::steady_clock;
  const auto time = [&](int64_t runs) {
    kernels::synchronize(device);
    const auto start = Clock::now();
    for (int64_t i = 0; i < runs; ++i) run();
    kernels::synchronize(device);
    return std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(runs);
  };
  constexpr double kLongEnough = 0.02;  // seconds
  constexpr double kMostRuns = 1000;
  time(1);  // the first run is slow
  double best = time(1);
  const auto runs = static_cast<int64_t>(std::clamp(kLongEnough / best, 1.0, kMostRuns));
  for (int round = 0; round < 5; ++round) best = std::min(best, time(runs));
  return best;
}

double copied_bytes_per_second(const at::Device& device) {
  constexpr int64_t kBytes = int64_t{1} << 28;
  const auto options = at::TensorOptions(device).dtype(at::kFloat);
  const at::Tensor from = at::zeros({kBytes / 4}, options);
  const at::Tensor to = at::zeros({kBytes / 4}, options);
  return 2.0 * static_cast<double>(kBytes) / seconds_of([&] { to.copy_(from); }, device);
}

}  // namespace strata::tools
