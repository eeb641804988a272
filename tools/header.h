#pragma once

#include <string>

#include "strata/config/run_config.h"
#include "strata/kernels/gemm.h"
#include "strata/nn/model_spec.h"
#include "strata/plan/memory_plan.h"
#include "strata/workers/communicator.h"
#include "workers.h"

namespace strata::tools {

/// The rate of matrix products that all workers together reach on a model's shapes, what 100 % is, and what a token
/// takes.
struct GemmRate {
  std::string library;
  double gflops = 0.0;
  double flops_per_token = 0.0;
  int workers = 1;
};
/// A collective: all of them compute at once. The library has all of its own memory after it.
double measured_peak(const kernels::Gemm& gemm, const config::RunConfig& config, const at::Device& device,
                     workers::Communicator& workers);

/// What a worker of a run takes, planned before it takes it.
struct RunMemory {
  plan::MemoryPlan plan;
  int64_t program = 0;  // on the CPU: resident bytes before the run's first buffer

  int64_t total() const { return program + plan.device_bytes(); }
};

/// A collective, before anything large is taken: settles train.recompute, the same on all workers, so that the
/// run fits into the memory of every host. Throws UsageError, on all of them, where it cannot.
RunMemory settle_memory(config::RunConfig& config, const nn::ModelSpec& spec, const RunDevice& device,
                        const Workers& workers);

/// Says what will run: parameters, tokens, memory, expected speed.
void print_header(const std::string& command, const config::RunConfig& config, const nn::ModelSpec& spec,
                  const RunDevice& device, const RunMemory& memory, const GemmRate& rate);

/// Says how much it was in the end.
void print_memory(const RunMemory& memory, const RunDevice& device);

}  // namespace strata::tools
