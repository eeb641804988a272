#pragma once

#include <string>

#include "strata/base/allocator.h"
#include "strata/config/run_config.h"
#include "strata/dist/communicator.h"
#include "strata/kernels/gemm.h"
#include "strata/nn/model_spec.h"

namespace strata::tools {

/// The rate of matrix products that all workers together reach on a model's shapes: what 100 % is.
struct GemmRate {
  std::string library;
  double gflops = 0.0;
  int workers = 1;
};
/// A collective: all of them compute at once.
double measured_peak(const kernels::Gemm& gemm, const config::ModelConfig& dims, dist::Communicator& workers);

/// Says what will run: parameters, tokens, memory, expected speed.
void print_header(const std::string& command, const config::RunConfig& config, const nn::ModelSpec& spec,
                  const Allocator& memory, const GemmRate& rate);

}  // namespace strata::tools
