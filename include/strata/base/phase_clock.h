#pragma once

#include <chrono>
#include <map>
#include <string>

namespace strata {

/// Adds up the wall time of named phases. For one thread.
class PhaseClock {
 public:
  /// Time from now on until the next call belongs to `phase` (a string literal); nullptr: to none.
  void enter(const char* phase) {
    const auto now = std::chrono::steady_clock::now();
    if (current_ != nullptr) seconds_[current_] += std::chrono::duration<double>(now - since_).count();
    current_ = phase;
    since_ = now;
  }
  const std::map<std::string, double>& seconds() const { return seconds_; }
  void reset() { seconds_.clear(); }

 private:
  std::map<std::string, double> seconds_;
  const char* current_ = nullptr;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace strata
