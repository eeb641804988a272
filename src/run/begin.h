#pragma once

#include <optional>

#include "build.h"
#include "strata/run/input.h"
#include "strata/train/run_folder.h"

namespace strata::run {

/// A run at its first step.
struct Begun {
  /// A collective: gives parameters and states their first values, or a checkpoint's (train.resume), and opens the
  /// logs.
  Begun(const Settled& run, const RunInput& input, const kernels::Gemm& gemm, Built& built);

  train::CheckpointState start;        // where it stands
  std::optional<train::RunLogs> logs;  // on the first worker
};

}  // namespace strata::run
