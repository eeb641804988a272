#include "header.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <iostream>

#include "strata/base/text.h"
#include "strata/base/version.h"

namespace strata::tools {

double measured_peak(const kernels::Gemm& gemm, const config::ModelConfig& dims, dist::Communicator& workers) {
  workers.barrier();
  const double mine = std::max(kernels::measure_gemm(gemm, 2048, dims.intermediate, dims.hidden),
                               kernels::measure_gemm(gemm, 512, dims.vocab, dims.hidden));
  return dist::sum_of_numbers(workers, {mine}).front();
}

namespace {

std::string where(const GemmRate& rate) {
  const int count = at::get_num_threads();
  const std::string threads = str(count, count == 1 ? " thread" : " threads");
  return rate.workers == 1 ? threads : str(rate.workers, " workers with ", threads, " each");
}

}  // namespace

void print_header(const std::string& command, const config::RunConfig& config, const nn::ModelSpec& spec,
                  const Allocator& memory, const GemmRate& rate) {
  const double flops = nn::flops_per_token(config.model, config.data.sequence_length);
  std::cout << "strata " << version() << " · " << command << " · " << config.norm.scheme << " · seed "
            << config.run.seed << " · " << config.run.dir << "\n  parameters " << with_commas(spec.layout.count())
            << " · " << fixed(flops / 1e9, 3) << " GFLOP per token · " << config.train.global_batch << " rows of up to "
            << config.data.sequence_length << " tokens per step\n  memory " << human_bytes(memory.total_bytes()) << ":";
  const char* separator = " ";
  for (const MemoryClass memory_class : kMemoryClasses) {
    std::cout << separator << name_of(memory_class) << " " << human_bytes(memory.bytes(memory_class));
    separator = ", ";
  }
  std::cout << "\n  " << where(rate) << " · " << rate.library << " " << fixed(rate.gflops, 0)
            << " GFLOP/s on this model's shapes · at most "
            << with_commas(static_cast<int64_t>(rate.gflops * 1e9 / flops)) << " tokens/s"
            << "\n"
            << std::flush;
}

}  // namespace strata::tools
