#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace strata::data {

/// Calls `make` on a thread of its own and keeps up to `ahead` results ready.
template <class Value>
class Prefetcher {
 public:
  Prefetcher(size_t ahead, std::function<Value()> make)
      : ahead_(ahead), make_(std::move(make)), worker_([this](const std::stop_token& stop) { work(stop); }) {}

  /// The results in their order. What `make` throws comes after the results before it, and again from then on.
  Value next() {
    return *next_unless([] { return false; });
  }

  /// The same; nothing where the thread is behind and `give_up`, asked again and again, says so.
  std::optional<Value> next_unless(const std::function<bool()>& give_up) {
    constexpr std::chrono::milliseconds kAskAgain{50};
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kAskAgain, [&] { return !ready_.empty() || failure_; })) {
      if (give_up()) return std::nullopt;
    }
    if (ready_.empty()) std::rethrow_exception(failure_);
    std::optional<Value> value = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return value;
  }

 private:
  void work(const std::stop_token& stop) {
    try {
      while (!stop.stop_requested()) {
        Value value = make_();
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [&] { return ready_.size() < ahead_; })) return;
        ready_.push_back(std::move(value));
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  size_t ahead_;
  std::function<Value()> make_;
  std::mutex mutex_;  // guards ready_ and failure_
  std::condition_variable_any changed_;
  std::deque<Value> ready_;
  std::exception_ptr failure_;
  std::jthread worker_;  // last: it uses all of the above
};

}  // namespace strata::data
