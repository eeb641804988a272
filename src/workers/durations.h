#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace strata::workers {

/// At least one: 0 means something else to many.
inline std::chrono::milliseconds milliseconds(std::chrono::duration<double> seconds) {
  return std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(seconds));
}

inline double seconds_of(int64_t nanoseconds) { return 1e-9 * static_cast<double>(nanoseconds); }

/// Adds the time until the end of its life.
class Stopwatch {
 public:
  explicit Stopwatch(std::atomic<int64_t>& nanoseconds) : nanoseconds_(nanoseconds) {}
  ~Stopwatch() { nanoseconds_ += std::chrono::nanoseconds(Clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  std::atomic<int64_t>& nanoseconds_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace strata::workers
