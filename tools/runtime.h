#pragma once

#include <memory>

#include "strata/config/run_config.h"
#include "strata/kernels/gemm.h"

namespace strata::tools {

/// Sets the number of threads (0: all cores, or what OMP_NUM_THREADS says) and gives the GEMM library that `run.gemm`
/// names. Comes before anything that computes.
std::unique_ptr<kernels::Gemm> start(const config::RunSettings& run);

/// The config at `path` with overrides, with its scheme checked too. Errors carry their place.
config::RunConfig load_config(const std::string& path, const std::vector<std::string>& overrides);

}  // namespace strata::tools
