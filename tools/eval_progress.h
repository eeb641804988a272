#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace strata::tools {

/// "boolq  1,280 of 3,270 items  41.3 items/s  48s left": on a terminal it stays in place, elsewhere a line every few
/// seconds.
class EvalProgress {
 public:
  /// total: items over everything that is scored. quiet: on workers that do not speak.
  EvalProgress(int64_t total, bool quiet);

  /// `done` of `of` items of this part are scored.
  void show(const std::string& part, int64_t done, int64_t of);
  /// One more item of all is scored.
  void count() { ++scored_; }
  /// Leaves the line.
  void end() const;

 private:
  using Clock = std::chrono::steady_clock;

  int64_t total_;
  bool quiet_, terminal_;
  int64_t scored_ = 0;
  bool shown_once_ = false;
  Clock::time_point begun_ = Clock::now();
  Clock::time_point shown_ = begun_;
};

}  // namespace strata::tools
