#pragma once

#include <map>
#include <optional>
#include <set>

#include "events.h"
#include "output.h"
#include "strata/workers/launcher.h"

namespace strata::workers {

/// Where a node's workers stand among all of an attempt.
struct Ranks {
  int first = 0;
  int world_size = 1;
  int attempt = 0;
  uint16_t port = 0;  // of the workers' store
};

struct WorkerEnd {
  int rank = 0;
  int local_rank = 0;
  pid_t pid = 0;
  int exit_code = 0;  // 128 + signal where one ended it
  int signal = 0;
};

/// "NAME=value": this process's environment with what torchrun sets for a worker.
std::vector<std::string> worker_environment(const LaunchOptions& options, const Ranks& ranks, int local_rank);

/// The workers of one node in one attempt.
class WorkerGroup {
 public:
  /// Starts them all, or throws Error.
  WorkerGroup(const LaunchOptions& options, const Ranks& ranks, Events& events, OutputPump& output);
  /// Kills those that still run.
  ~WorkerGroup();
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  /// Of a process that has ended; nothing for one that is no worker here. `others` is sent to what it leaves in its
  /// process group: a script may end before the program that it ran.
  std::optional<WorkerEnd> collect(pid_t pid, int others);
  /// One that a signal ends, of the workers that are ending right now; waits for them, at most so long. A process
  /// closes its connections before its end is seen, so that another may fail of it and be seen first.
  std::optional<WorkerEnd> killed_meanwhile(Store::Seconds most) const;
  /// To every worker that runs, and its children.
  void send(int signal) const;
  /// Workers, and process groups that are left.
  size_t running();
  bool has_left_groups() const { return !left_groups_.empty(); }

 private:
  void start(const LaunchOptions& options, const Ranks& ranks, int local_rank, Events& events, OutputPump& output);

  int first_rank_;
  std::map<pid_t, int> running_;  // the local rank of each
  std::set<pid_t> left_groups_ = {};
};

}  // namespace strata::workers
