#pragma once

#include <filesystem>

#include "strata/run/device.h"
#include "strata/run/run.h"
#include "strata/run/settle.h"

/// run.json: what made a run, and how it ended (docs/metrics.md).
namespace strata::run {

inline std::filesystem::path record_file(const std::filesystem::path& run) { return run / "run.json"; }

/// How a process computes its part of a run.
struct Session {
  std::string command;  // the run's kind: "pretrain"
  std::string gemm;
  int workers = 1;
  int64_t from_step = 0;
};

/// Adds this process to the sessions of the run's record, which is made if it is not there. On the first worker.
void note_session(const Settled& run, const RunInput& input, const RunDevice& device, const Session& session);

/// The run has come to its end: what it ended with.
void note_end(const Settled& run, const RunResult& result);

}  // namespace strata::run
