#include "node.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "text.h"

namespace strata::workers {
namespace {

constexpr Store::Seconds kForLastLines{1};
constexpr Store::Seconds kShortWhile{0.1};
constexpr Store::Seconds kForOtherEnds{5};  // closing a device takes a process seconds
// timeout(1) and batch systems send one to the process and to its group.
constexpr Store::Seconds kOneSignal{1};
constexpr Store::Seconds kForGoodbyes{10};  // beyond the grace of the others' workers

std::string random_name() {
  std::random_device random;
  return hex((static_cast<uint64_t>(random()) << 32) | random());
}

std::chrono::steady_clock::time_point after(Store::Seconds time) {
  return std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(time);
}

std::string seconds(Store::Seconds time) { return str(time.count(), " s"); }

std::string what_happened(const WorkerEnd& end) {
  if (end.signal == 0) return str("exited with code ", end.exit_code);
  return str("was killed by signal ", end.signal, " (", sigdescr_np(end.signal), ")");
}

bool is_same(const Failure& one, const Failure& other) { return one.node == other.node && one.pid == other.pid; }

Ranks ranks_of(const std::vector<Member>& members, int node, int attempt, uint16_t port) {
  Ranks ranks{.attempt = attempt, .port = port};
  ranks.world_size = 0;
  for (size_t at = 0; at < members.size(); ++at) {
    if (static_cast<int>(at) < node) ranks.first += members[at].workers;
    ranks.world_size += members[at].workers;
  }
  return ranks;
}

}  // namespace

NodeLauncher::NodeLauncher(const LaunchOptions& options)
    : options_(options),
      self_{.instance = random_name(), .host = host_name(), .workers = options.workers},
      port_(options.master_port) {
  if (options_.node == 0) {
    served_ = Store::serve(options_.master_port, options_.master_host);
    port_ = served_->port();
  }
  if (options_.nodes > 1) {
    log::info(options_.node == 0
                  ? str("node 0 of ", options_.nodes, " serves ", options_.master_host, ":", port_,
                        "; waiting for the others, at most ", seconds(options_.join_timeout))
                  : str("node ", options_.node, " of ", options_.nodes, " joins ", options_.master_host, ":", port_));
  }
}

void NodeLauncher::meet(const Agreement::Known& known) {
  agreement_ = std::make_unique<Agreement>(options_, self_, port_, known, report_, events_.wake_up());
}

int NodeLauncher::run() {
  meet(options_.node == 0 ? Agreement::Known{.session = self_.instance, .attempt = 0} : Agreement::Known());
  for (;;) {
    const Verdict verdict = attempt();
    if (verdict.kind != Verdict::Kind::kRestart) return finish(verdict);
    const std::string why = told_ ? "" : describe(verdict.failure) + "; ";
    log::warn(why + which_restart(verdict.next_attempt));
    agreement_->next(verdict.next_attempt);
  }
}

std::string NodeLauncher::which_restart(int attempt) const {
  const std::string when =
      options_.nodes == 1 ? ""
                          : str(", once all nodes are there, within ", seconds(options_.join_timeout + options_.grace));
  return (attempt == 0 ? "all begin anew" : str("restart ", attempt, " of ", options_.max_restarts)) + when;
}

Verdict NodeLauncher::attempt() {
  output_.forget();
  workers_.reset();
  kill_at_.reset();
  ends_after_stop_.clear();
  report_.reset();
  told_.reset();
  verdict_.reset();
  while (!is_over()) step();
  if (workers_) drain_output();
  if (verdict_ && (stop_signal_ == 0 || verdict_->kind != Verdict::Kind::kRestart)) return *verdict_;
  return {.kind = Verdict::Kind::kStop, .signal = stop_signal_};
}

// A launcher that was told to stop does not wait for those that it cannot reach.
bool NodeLauncher::is_over() const {
  if (has_workers()) return false;
  if (verdict_ || is_impatient_) return true;
  return stop_signal_ != 0 && (has_lost_ || !agreement_->news().connected);
}

void NodeLauncher::step() {
  Store::Seconds timeout = beat_interval(options_);
  if (kill_at_ && has_workers()) {
    timeout = std::clamp(Store::Seconds(*kill_at_ - Clock::now()), Store::Seconds(0), timeout);
  }
  if (workers_ && workers_->has_left_groups()) timeout = std::min(timeout, kShortWhile);  // their ends wake nobody
  const Events::Batch batch = events_.wait(timeout);
  for (const int signal : batch.signals) on_signal(signal);
  for (const pid_t pid : batch.ended) {
    if (const auto end = workers_ ? workers_->collect(pid, kill_at_ ? 0 : SIGKILL) : std::nullopt) on_end(*end);
  }
  if (workers_ && !kill_at_ && !has_workers() && !report_) report({.kind = Report::Kind::kDone});
  on_news(agreement_->news());
  if (kill_at_ && has_workers() && Clock::now() >= *kill_at_) {
    log::warn(str("killing workers that did not stop within ", seconds(options_.grace), ": ", workers_->running()));
    workers_->send(SIGKILL);
    kill_at_ = after(options_.grace);
  }
}

void NodeLauncher::on_signal(int signal) {
  if (signal == SIGUSR1) {
    if (workers_) workers_->send(signal);
    return;
  }
  if (stop_signal_ != 0) {
    if (Clock::now() - stopped_at_ < kOneSignal) return;
    is_impatient_ = true;
    if (workers_) workers_->send(SIGKILL);
    return;
  }
  stop_signal_ = signal == SIGHUP ? SIGTERM : signal;
  stopped_at_ = Clock::now();
  stop_workers(stop_signal_);
  report({.kind = Report::Kind::kStopping,
          .signal = stop_signal_,
          .failure = {.node = options_.node, .host = self_.host}});
  log::info(str("stopping on signal ", signal, " (", sigdescr_np(signal), ")",
                has_workers()
                    ? str("; workers have ", seconds(options_.grace), ", another signal after a second kills them")
                    : ""));
}

void NodeLauncher::on_end(const WorkerEnd& end) {
  if (kill_at_) {
    ends_after_stop_.push_back(end);
  } else if (end.exit_code != 0) {
    on_failure(end.signal == 0 ? workers_->killed_meanwhile(kForOtherEnds).value_or(end) : end);
  }
}

void NodeLauncher::on_failure(const WorkerEnd& end) {
  stop_workers(SIGTERM);
  Failure failure{.node = options_.node,
                  .host = self_.host,
                  .rank = end.rank,
                  .local_rank = end.local_rank,
                  .pid = end.pid,
                  .exit_code = end.exit_code,
                  .what = what_happened(end)};
  output_.finish(end.local_rank, kForLastLines);
  failure.last_lines = output_.last_lines(end.local_rank);
  if (has_workers()) {
    log::warn(describe(failure) + "; stopping the others");
    told_ = failure;
  }
  report({.kind = Report::Kind::kFailed, .failure = failure});
}

void NodeLauncher::on_news(const Agreement::News& news) {
  if (news.lost && !has_lost_) on_loss(news);
  if (has_lost_ && !has_workers() && stop_signal_ == 0) {
    has_lost_ = false;
    // What was on its way may not have arrived.
    if (workers_ && !report_) report_ = own_failure("lost its connection to node 0");
    meet(news.known);
    return;
  }
  if (news.members && !workers_ && !report_ && !news.verdict) start_workers(*news.members);
  if (!news.verdict || verdict_) return;
  verdict_ = news.verdict;
  if (verdict_->kind == Verdict::Kind::kDone) return;
  if (verdict_->kind == Verdict::Kind::kStop) {
    if (stop_signal_ == 0) log::info(str("stopping: node ", verdict_->failure.node, " was told to"));
  } else if (has_workers() && (!told_ || !is_same(*told_, verdict_->failure))) {
    log::warn(describe(verdict_->failure) + "; stopping this node's workers");
    told_ = verdict_->failure;
  }
  stop_workers(verdict_->kind == Verdict::Kind::kStop ? verdict_->signal : SIGTERM);
}

void NodeLauncher::on_loss(const Agreement::News& news) {
  STRATA_CHECK(news.connected && options_.node != 0, *news.lost);
  has_lost_ = true;
  log::warn(str(*news.lost, "; joining again, for at most ", seconds(options_.join_timeout)));
  stop_workers(SIGTERM);
}

void NodeLauncher::start_workers(const std::vector<Member>& members) try {
  const int attempt = agreement_->news().known.attempt;
  workers_ =
      std::make_unique<WorkerGroup>(options_, ranks_of(members, options_.node, attempt, port_), events_, output_);
} catch (const Error& failure) {
  report(own_failure(str("cannot start its workers: ", failure.what())));
}

void NodeLauncher::stop_workers(int signal) {
  if (kill_at_ || !workers_) return;
  workers_->send(signal);
  kill_at_ = after(options_.grace);
}

Report NodeLauncher::own_failure(const std::string& what) const {
  return {.kind = Report::Kind::kFailed, .failure = {.node = options_.node, .host = self_.host, .what = what}};
}

void NodeLauncher::report(const Report& report) {
  report_ = report;
  agreement_->report(report);
}

// Waits for the console as long as it takes; a second signal ends the wait.
void NodeLauncher::drain_output() {
  for (int local = 0; local < options_.workers; ++local) {
    while (!output_.finish(local, kShortWhile) && !is_impatient_) {
      for (const int signal : events_.wait(Store::Seconds(0)).signals) on_signal(signal);
    }
  }
}

int NodeLauncher::finish(const Verdict& verdict) {
  if (verdict.kind == Verdict::Kind::kEnd) summarize(verdict.failure);
  agreement_->leave();
  wait_for_others();
  if (verdict.kind == Verdict::Kind::kDone) return 0;
  return verdict.kind == Verdict::Kind::kEnd ? verdict.failure.exit_code : stop_code(verdict.signal);
}

void NodeLauncher::wait_for_others() {
  const auto until = after(options_.grace + kForGoodbyes);
  for (;;) {
    const Agreement::News news = agreement_->news();
    if (news.has_left || news.lost || !news.connected || is_impatient_ || Clock::now() > until) return;
    for (const int signal : events_.wait(kShortWhile).signals) on_signal(signal);
  }
}

void NodeLauncher::summarize(const Failure& failure) const {
  log::error(describe(failure) + (told_ && failure.rank >= 0 ? "; it was the first to fail" : ""));
  const bool was_seen = options_.nodes == 1 && options_.workers == 1 && options_.output.front().err.to_console;
  if (failure.last_lines.empty() || was_seen) return;
  std::string lines = "its last lines on stderr:";
  for (const std::string& line : failure.last_lines) lines += "\n  " + line;
  log::info(lines);
}

// 128 + signal where all stopped as asked; else the code of one that did not.
int NodeLauncher::stop_code(int signal) const {
  int code = workers_ && !ends_after_stop_.empty() ? 0 : 128 + signal;
  for (const WorkerEnd& end : ends_after_stop_) {
    if (end.exit_code == 0) continue;
    if (end.exit_code != 128 + signal) return end.exit_code;
    code = end.exit_code;
  }
  return code;
}

}  // namespace strata::workers
