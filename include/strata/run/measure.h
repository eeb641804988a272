#pragma once

#include "strata/config/run_config.h"
#include "strata/kernels/gemm.h"
#include "strata/workers/communicator.h"

namespace strata::run {

/// GFLOP/s of matrix products that all workers together reach on a model's shapes, in the type that it computes in:
/// what 100 % is. A collective: all of them compute at once. The library has all of its own memory after it.
double peak_gflops(const kernels::Gemm& gemm, const config::RunConfig& config, const at::Device& device,
                   workers::Communicator& workers);

}  // namespace strata::run
