#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "agreement.h"
#include "events.h"
#include "output.h"
#include "strata/workers/launcher.h"
#include "workers.h"

namespace strata::workers {

/// One node's launcher: brings together what happens to its workers, what the other nodes say, and signals.
class NodeLauncher {
 public:
  explicit NodeLauncher(const LaunchOptions& options);
  /// Gives the exit code.
  int run();

 private:
  using Clock = std::chrono::steady_clock;

  void meet(const Agreement::Known& known);
  std::string which_restart(int attempt) const;
  Verdict attempt();
  bool is_over() const;
  void step();
  void on_signal(int signal);
  void on_end(const WorkerEnd& end);
  void on_failure(const WorkerEnd& end);
  void on_news(const Agreement::News& news);
  void on_loss(const Agreement::News& news);
  void start_workers(const std::vector<Member>& members);
  void stop_workers(int signal);
  Report own_failure(const std::string& what) const;
  void report(const Report& report);
  bool has_workers() const { return workers_ && workers_->running() > 0; }
  void drain_output();
  int finish(const Verdict& verdict);
  void summarize(const Failure& failure) const;
  int stop_code(int signal) const;
  void wait_for_others();

  LaunchOptions options_;
  Events events_;
  OutputPump output_;
  std::optional<Store> served_ = {};  // at node 0, over all attempts
  Member self_;
  uint16_t port_;
  std::unique_ptr<Agreement> agreement_;
  int stop_signal_ = 0;  // that this launcher was sent
  Clock::time_point stopped_at_ = {};
  bool is_impatient_ = false;  // a second one came

  // Of the attempt.
  std::unique_ptr<WorkerGroup> workers_;
  std::optional<Clock::time_point> kill_at_ = {};  // with a value: workers were told to stop
  std::vector<WorkerEnd> ends_after_stop_ = {};
  std::optional<Report> report_ = {};
  bool has_lost_ = false;             // the connection; it is made again when the workers are gone
  std::optional<Failure> told_ = {};  // the failure that a line was about
  std::optional<Verdict> verdict_ = {};
};

}  // namespace strata::workers
