#include "timing.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/kernels/cuda.h"
#include "strata/train/step.h"

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

std::vector<double> time_steps(nn::Model& model, const data::TokenBatch& batch, int64_t steps,
                               const std::function<void()>& update) {
  using Clock = std::chrono::steady_clock;
  STRATA_CHECK(batch.num_targets() > 0, "no position has a target: there is no step to time");
  const at::Device device = model.parameters().master().device();
  model.clock().observe([device](const char*) { kernels::synchronize(device); });  // a phase ends when its work is done
  const double scale = 1.0 / static_cast<double>(batch.num_targets());
  const auto step = [&] {
    const auto start = Clock::now();
    model.parameters().zero_gradients();
    model.loss_and_gradients(model.upload(batch), scale);
    if (update) {
      model.clock().enter(train::kUpdatePhase);
      update();
      model.clock().enter(nullptr);
    }
    kernels::synchronize(device);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  step();
  model.clock().reset();
  std::vector<double> seconds;
  for (int64_t i = 0; i < steps; ++i) seconds.push_back(step());
  std::ranges::sort(seconds);
  return seconds;
}

Table phase_table(const PhaseClock& clock, double seconds, int64_t steps) {
  std::vector<std::pair<double, std::string>> phases;
  double rest = seconds;
  for (const auto& [name, spent] : clock.seconds()) {
    phases.emplace_back(spent, name);
    rest -= spent;
  }
  std::ranges::sort(phases, std::greater{});
  phases.emplace_back(rest, "other");
  Table table({{"phase"}, {"ms per step", Table::Align::kRight}, {"share", Table::Align::kRight}});
  for (const auto& [spent, name] : phases) {
    table.add({name, fixed(1e3 * spent / static_cast<double>(steps), 1), percent(spent, seconds)});
  }
  return table;
}

double flops(const config::ModelConfig& dims, const data::TokenRows& rows) {
  double total = 0.0;
  for (const auto& row : rows) {
    const auto length = static_cast<int64_t>(row.size());
    total += static_cast<double>(length) * nn::flops_per_token(dims, length);
  }
  return total;
}

std::string percent(double part, double whole) { return fixed(100.0 * part / whole, 1) + " %"; }

}  // namespace strata::tools
