#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "strata/study/runs.h"

/// Runs that are made, several at once, by processes of their own.
namespace strata::study {

struct QueueOptions {
  std::string program;               // strata
  int jobs = 1;                      // runs at once
  std::vector<std::string> devices;  // what CUDA_VISIBLE_DEVICES has for each of the jobs; empty: the CPU
  bool retry_failed = false;
  std::string kind = "runs";  // what they are, in the line of progress
  double flops_after = 0.0;   // of runs that come after these: they are part of the time that is left
};

struct QueueEnd {
  int64_t done = 0, failed = 0;
  int signal = 0;  // that stopped it; 0: all runs have ended
};

/// Makes the runs that are not done yet, in their order, and returns when all are done or have failed.
///
/// A run's folder is its state: whoever is killed and started again goes on where the runs' checkpoints are. A run
/// that is killed is taken up again at once; one that fails by itself is noted as failed, and left so until
/// retry_failed. A finished run of the same identity in a sweep beside this one is taken as it is, by a link.
///
/// Several queues, on several hosts, may share the folder: a run is claimed by a lock (flock, which NFS carries to its
/// server) on .<name>.claim beside its folder, which ends with the process that holds it.
///
/// SIGINT, SIGTERM and SIGHUP stop the runs, each after a checkpoint; a second one kills them. Call it from the main
/// thread.
/// Throws UsageError for a folder that another config made, and Error where a run cannot be started.
QueueEnd run_all(std::span<const Run> runs, const QueueOptions& options);

}  // namespace strata::study
