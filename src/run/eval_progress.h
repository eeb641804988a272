#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace strata::run {

/// "boolq  1,280 of 3,270 items  41.3 items/s  48s left": on a terminal it stays in place, elsewhere a line every few
/// seconds.
class EvalProgress {
 public:
  /// total: items over everything that is scored. quiet: on workers that do not speak. unit: what items are.
  EvalProgress(int64_t total, bool quiet, std::string unit = "items");

  /// `done` of `of` items of this part are scored. One part comes after the other.
  void show(const std::string& part, int64_t done, int64_t of);

 private:
  using Clock = std::chrono::steady_clock;

  int64_t total_;
  bool quiet_;
  std::string unit_;
  std::string part_;
  int64_t before_ = 0, done_ = 0;  // items of the parts before this one, and of this one
  Clock::time_point begun_ = Clock::now();
  Clock::time_point shown_ = begun_;
};

}  // namespace strata::run
