#pragma once

#include <span>
#include <string>
#include <vector>

#include "strata/study/conduct.h"
#include "strata/study/runs.h"

namespace strata::study {

/// How this machine shares itself among the runs of a sweep.
struct Machine {
  bool has_gpus = false;
  int jobs = 1;
  std::vector<std::string> devices = {};  // CUDA_VISIBLE_DEVICES of each job; empty: the CPU
  Execution execution = {};
  double gflops = 0.0;    // of all jobs together; 0: not known
  int64_t run_bytes = 0;  // that one run takes where it computes, as strata plan has it
};

/// What the options leave open follows from the machine and from what `output` remembers of earlier processes
/// (execution.json). example: one of the runs.
Machine share_machine(const config::RunConfig& example, const ConductOptions& options,
                      const std::filesystem::path& output);

/// For those that go on.
void remember(const Execution& execution, const std::filesystem::path& output);

}  // namespace strata::study
