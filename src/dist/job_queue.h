#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <queue>
#include <thread>

namespace strata::dist {

/// Runs jobs one after another on a thread of its own. At the end of its life it still runs those that are there.
class JobQueue {
 public:
  JobQueue() : thread_([this] { work(); }) {}
  ~JobQueue() {
    add({});
    thread_.join();
  }
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  /// The future gets what the job throws. An empty job is the last one.
  std::future<void> add(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.emplace(std::move(job), std::promise<void>());
    changed_.notify_one();
    return jobs_.back().second.get_future();
  }

 private:
  using Job = std::pair<std::function<void()>, std::promise<void>>;

  Job take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !jobs_.empty(); });
    Job job = std::move(jobs_.front());
    jobs_.pop();
    return job;
  }

  void work() {
    for (Job job = take(); job.first; job = take()) {
      auto& [run, promise] = job;
      try {
        run();
        promise.set_value();
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::queue<Job> jobs_;
  std::thread thread_;
};

}  // namespace strata::dist
