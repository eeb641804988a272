#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "records.h"
#include "strata/workers/launcher.h"

namespace strata::workers {

/// Keys of the launchers in the store.
std::string launcher_key(const char* what, int number);
std::string launcher_key(const char* what, int attempt, int node);

/// What node 0 does for all: it says when an attempt starts, and how it ended. Nodes write join, report, alive and bye;
/// it writes nodes, session, attempt, start and verdict.
class Coordinator {
 public:
  Coordinator(const Store& store, const LaunchOptions& options, const std::string& session);

  void begin(int attempt);
  /// Reads what nodes have written, and answers. To be called again and again.
  void tick();
  /// After the last verdict: whether no other node needs the store any more.
  bool everyone_left();

 private:
  using Clock = std::chrono::steady_clock;
  struct Life {
    std::string sign = {};
    Clock::time_point since = {};
  };

  Store::Seconds join_timeout() const;
  void gather();
  void watch_over();
  std::optional<Report> report_of(int node) const;
  std::optional<Failure> loss_of(int node);
  void decide(const Verdict& verdict);
  void decide_failed(const Failure& failure);

  const Store store_;
  const LaunchOptions options_;
  int attempt_ = 0;
  Clock::time_point began_ = {};
  std::vector<Member> members_ = {};  // of the attempt, once all are there
  bool decided_ = false;
  Clock::time_point first_failure_ = {};
  std::map<int, Life> lives_ = {};
};

}  // namespace strata::workers
