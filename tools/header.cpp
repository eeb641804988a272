#include "header.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/config/enums.h"
#include "strata/nn/model.h"
#include "strata/nn/of_config.h"

namespace strata::tools {

// Feed-forward, head, and the gradient of the head's weight, in the type that the model computes in.
double measured_peak(const kernels::Gemm& gemm, const config::RunConfig& config, const at::Device& device,
                     workers::Communicator& workers) {
  workers.barrier();
  const config::ModelConfig& dims = config.model;
  const bool in_fp32 = nn::options_for(config, device.type()).precision == config::Precision::kFp32;
  const auto options = at::TensorOptions().dtype(in_fp32 ? at::kFloat : at::kBFloat16).device(device);
  const double mine =
      std::max({kernels::measure_gemm(gemm, 2048, dims.intermediate, dims.hidden, options),
                kernels::measure_gemm(gemm, 512, dims.vocab, dims.hidden, options),
                kernels::measure_gemm(gemm, dims.vocab, dims.hidden, config.train.loss_chunk, options)});
  return workers::sum_of_numbers(workers, {mine}).front();
}

namespace {

std::string where(const GemmRate& rate, const RunDevice& device) {
  std::string one = place_text(device);
  if (rate.workers == 1) return one;
  return device.cuda ? str(rate.workers, " x ", one) : str(rate.workers, " workers with ", one, " each");
}

}  // namespace

RunMemory settle_memory(config::RunConfig& config, const nn::ModelSpec& spec, const RunDevice& device,
                        const Workers& workers) {
  const auto mine = static_cast<double>(device.cuda ? device.cuda->memory().free
                                                    : plan::room_on_this_host() / workers.self.local_world_size);
  const auto room = static_cast<int64_t>(std::ranges::min(workers::gather_numbers(*workers.group, {mine})));
  const plan::Place place{.device = device.device.type(), .workers = workers.group->world_size()};
  config.train.recompute = plan::settle_recompute(config, spec, place, room);
  return {.plan = plan::plan_memory(config, spec, place, workers.group->rank())};
}

void print_header(const std::string& command, const config::RunConfig& config, const nn::ModelSpec& spec,
                  const RunDevice& device, const RunMemory& memory, const GemmRate& rate) {
  const double flops = rate.flops_per_token;
  std::cout << "strata " << version() << " · " << command << " · " << config.norm.scheme << " · seed "
            << config.run.seed << " · " << config.run.dir << "\n  parameters " << with_commas(spec.layout.count())
            << " · " << fixed(flops / 1e9, 3) << " GFLOP per token · " << config.train.global_batch << " rows of up to "
            << config.data.sequence_length << " tokens per step\n  memory " << human_bytes(memory.total())
            << ", recompute " << config::enum_name(config.train.recompute);
  const char* separator = ": ";
  const auto show = [&](const std::string& name, int64_t bytes) {
    if (bytes > 0) std::cout << std::exchange(separator, ", ") << name << " " << human_bytes(bytes);
  };
  show("program and libraries", memory.program);
  for (const auto& [name, bytes] : plan::bytes_by_class(memory.plan)) show(name, bytes);
  std::cout << "\n  " << where(rate, device) << " · " << rate.library << " " << fixed(rate.gflops, 0)
            << " GFLOP/s on this model's shapes · at most "
            << with_commas(static_cast<int64_t>(rate.gflops * 1e9 / flops)) << " tokens/s"
            << "\n"
            << std::flush;
}

void print_memory(const RunMemory& memory, const RunDevice& device) {
  const int64_t peak = device.cuda ? device.cuda->peak_allocated_bytes() : peak_resident_bytes();
  if (peak == 0) return;
  const double more = 100.0 * (static_cast<double>(peak) / static_cast<double>(memory.total()) - 1.0);
  std::cout << "memory: planned " << human_bytes(memory.total())
            << (device.cuda ? ", allocated at most " : ", resident at most ") << human_bytes(peak) << " ("
            << (more < 0.0 ? "" : "+") << fixed(more, 1) << " %)\n"
            << std::flush;
}

}  // namespace strata::tools
