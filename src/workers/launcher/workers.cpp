#include "workers.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "spawn.h"
#include "strata/base/check.h"

namespace strata::workers {
namespace {

WorkerEnd end_of(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return {.pid = pid, .exit_code = signal != 0 ? 128 + signal : WEXITSTATUS(status), .signal = signal};
}

// It has begun to exit: nothing can stop it from ending any more. "1234 (any name) S" and 5 numbers come before its
// flags.
bool is_ending(pid_t pid) {
  constexpr unsigned kExiting = 0x4;  // PF_EXITING of Linux
  std::ifstream file(str("/proc/", pid, "/stat"));
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 0; field < 6; ++field) fields >> skipped;
  unsigned flags = 0;
  return fields >> flags && (flags & kExiting) != 0;
}

// The signal that ended it, 0 where it exited; nothing while it lives. It can still be waited for.
std::optional<int> signal_of(pid_t pid) {
  siginfo_t info = {};
  if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | WNOHANG) != 0 || info.si_pid != pid) return {};
  return info.si_code == CLD_EXITED ? 0 : info.si_status;
}

// Ends of its members are taken in; only a child subreaper sees those of grandchildren.
bool is_empty(pid_t group) {
  pid_t ended = 0;
  do ended = waitpid(-group, nullptr, WNOHANG);
  while (ended > 0);
  return ended < 0;
}

// Rank 0 prints the run's output: its lines stay as they are.
std::string prefix_of(int rank) { return rank == 0 ? "" : str("[rank ", rank, "] "); }

std::filesystem::path make_log_folder(const LaunchOptions& options, const Ranks& ranks, int local_rank) {
  if (options.log_dir.empty()) return {};
  const auto folder = options.log_dir / str("attempt_", ranks.attempt) / str("rank_", ranks.first + local_rank);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  STRATA_CHECK(!error, "--log-dir: cannot make ", folder.string(), ": ", error.message());
  return folder;
}

}  // namespace

WorkerGroup::WorkerGroup(const LaunchOptions& options, const Ranks& ranks, Events& events, OutputPump& output)
    : first_rank_(ranks.first) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  try {
    for (int local = 0; local < options.workers; ++local) start(options, ranks, local, events, output);
  } catch (...) {
    send(SIGKILL);
    throw;
  }
}

WorkerGroup::~WorkerGroup() {
  send(SIGKILL);
  for (const auto& [pid, local] : running_) waitpid(pid, nullptr, 0);
}

void WorkerGroup::start(const LaunchOptions& options, const Ranks& ranks, int local_rank, Events& events,
                        OutputPump& output) {
  const std::filesystem::path folder = make_log_folder(options, ranks, local_rank);
  Spawned worker = spawn(options.command, worker_environment(options, ranks, local_rank), events.outer_mask());
  running_.emplace(worker.pid, local_rank);
  events.watch(worker.pid);
  const WorkerOutput& routes = options.output.at(static_cast<size_t>(local_rank));
  const auto sink = [&](const OutputRoute& route, int console, const char* file) {
    return OutputSink{.worker = local_rank,
                      .console = route.to_console ? console : -1,
                      .prefix = prefix_of(ranks.first + local_rank),
                      .file = route.to_file ? folder / file : "",
                      .keeps_last_lines = console == STDERR_FILENO};
  };
  output.add(std::move(worker.out), sink(routes.out, STDOUT_FILENO, "stdout.log"));
  output.add(std::move(worker.err), sink(routes.err, STDERR_FILENO, "stderr.log"));
}

std::optional<WorkerEnd> WorkerGroup::collect(pid_t pid, int others) {
  const auto worker = running_.find(pid);
  if (worker == running_.end()) return std::nullopt;
  kill(-pid, others);  // before it is waited for: until then the number cannot be another group's
  WorkerEnd end = end_of(pid);
  end.local_rank = worker->second;
  end.rank = first_rank_ + end.local_rank;
  running_.erase(worker);
  if (!is_empty(pid)) left_groups_.insert(pid);
  return end;
}

std::optional<WorkerEnd> WorkerGroup::killed_meanwhile(Store::Seconds most) const {
  const auto until = std::chrono::steady_clock::now() + most;
  for (const auto& [pid, local] : running_) {
    while (!signal_of(pid) && is_ending(pid) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (const int signal = signal_of(pid).value_or(0)) {
      return WorkerEnd{
          .rank = first_rank_ + local, .local_rank = local, .pid = pid, .exit_code = 128 + signal, .signal = signal};
    }
  }
  return std::nullopt;
}

void WorkerGroup::send(int signal) const {
  for (const auto& [pid, local] : running_) kill(-pid, signal);
  for (const pid_t group : left_groups_) kill(-group, signal);
}

size_t WorkerGroup::running() {
  std::erase_if(left_groups_, is_empty);
  return running_.size() + left_groups_.size();
}

}  // namespace strata::workers
