#pragma once

#include <string>

#include "strata/run/device.h"
#include "strata/run/run.h"
#include "strata/run/settle.h"

/// What a run says on stdout beside its progress line.
namespace strata::run {

/// What was measured before the first step.
struct Rate {
  std::string library;
  double gflops = 0.0;  // of all workers together: what 100 % is
  double flops_per_token = 0.0;
  int workers = 1;
};

/// What will run: parameters, tokens, memory, expected speed, and the input's own lines. program: resident bytes before
/// the run's first buffer, on the CPU.
void say_header(const std::string& command, const Settled& run, const RunDevice& device, int64_t program,
                const Rate& rate, const std::vector<std::string>& about_input);

/// How much memory it was in the end.
void say_memory(const Settled& run, const RunDevice& device, int64_t program);

/// How the run ended: that it is done, or which signal stopped it.
void say_end(const Settled& run, const RunResult& result);

}  // namespace strata::run
