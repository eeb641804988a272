#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "strata/workers/store.h"

namespace strata::workers {

/// Where one stream of a worker goes.
struct OutputRoute {
  bool to_console = true;
  bool to_file = false;
};

struct WorkerOutput {
  OutputRoute out = {};
  OutputRoute err = {};
};

/// One host's part in a run of several workers.
struct LaunchOptions {
  std::vector<std::string> command = {};  // of every worker; first the path of a program
  int workers = 1;                        // on this node
  int nodes = 1;
  int node = 0;
  std::string master_host = "127.0.0.1";  // node 0, whose launcher serves the workers' store
  uint16_t master_port = 0;               // 0, at node 0: any free one
  int max_restarts = 0;
  Store::Seconds monitor_interval{0.1};
  Store::Seconds grace{40};          // between SIGTERM and SIGKILL
  Store::Seconds join_timeout{300};  // for all nodes to come together before an attempt
  Store::Seconds node_timeout{60};   // without a sign of life, then a node is lost
  std::string run_id = "none";
  std::filesystem::path log_dir = {};
  std::vector<WorkerOutput> output = {};  // one per worker on this node
};

/// Runs the workers until all are done, or a failure that no restart is left for, or a signal that stops them: SIGTERM,
/// SIGINT and SIGHUP are passed on, SIGUSR1 too. Gives the exit code: 0, that of the first failure (128 + signal where
/// one ended the worker), or the workers' own after a stop. Call it once, from the main thread, before others are
/// started: these signals are blocked from then on. Workers die with the process. Throws Error where it cannot begin.
int launch(const LaunchOptions& options);

}  // namespace strata::workers
