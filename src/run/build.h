#pragma once

#include <optional>

#include "strata/base/log.h"
#include "strata/run/device.h"
#include "strata/run/settle.h"
#include "strata/run/workers.h"
#include "strata/train/run_folder.h"
#include "strata/train/training.h"

namespace strata::run {

/// For all workers the library that the first one takes.
std::unique_ptr<kernels::Gemm> common_gemm(const config::RunConfig& config, const RunDevice& device,
                                           workers::Communicator& workers);

/// The run's folder, on the first worker, with its log.txt.
struct OpenFolder {
  /// A collective. Throws UsageError on a worker that does not see the first worker's folder at this path, and what
  /// opening it throws.
  OpenFolder(const std::filesystem::path& path, workers::Communicator& workers);

  std::optional<train::RunFolder> folder;
  std::optional<log::File> log;
};

/// All that a worker of a run takes before its first step.
struct Built {
  /// All that is given must outlive it.
  Built(const Settled& run, const kernels::Gemm& gemm, const RunDevice& device, const Workers& workers)
      : folder(run.config.run.dir, *workers.communicator),
        allocator(device.device),
        training(run.config, run.spec, gemm, *workers.communicator, workers.save_group(), allocator) {}

  OpenFolder folder;
  Allocator allocator;
  train::Training training;
};

}  // namespace strata::run
