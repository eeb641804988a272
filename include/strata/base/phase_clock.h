#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace strata {

/// Adds up the wall time of named phases. For one thread. Of work that is enqueued on a device it sees the enqueuing,
/// unless an observer waits for the device.
class PhaseClock {
 public:
  /// From now on called where a phase begins, or none (nullptr), before its time does.
  void observe(std::function<void(const char*)> observer) { observer_ = std::move(observer); }

  /// Time from now on until the next call belongs to `phase` (a string literal); nullptr: to none.
  void enter(const char* phase) {
    if (observer_) observer_(phase);
    const auto now = std::chrono::steady_clock::now();
    if (current_ != nullptr) seconds_[current_] += std::chrono::duration<double>(now - since_).count();
    current_ = phase;
    since_ = now;
  }
  const std::map<std::string, double>& seconds() const { return seconds_; }
  void reset() { seconds_.clear(); }

 private:
  std::map<std::string, double> seconds_;
  std::function<void(const char*)> observer_;
  const char* current_ = nullptr;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace strata
