#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>

namespace strata::workers {

/// Runs jobs one after another on a thread of its own. Where the queue goes while jobs are left, they are left to
/// themselves: a job must own what it uses.
class JobQueue {
 public:
  JobQueue() : jobs_(std::make_shared<Jobs>()), thread_([jobs = jobs_] { jobs->work(); }) {}
  ~JobQueue() {
    const bool is_idle = jobs_->add({}).idle_before;
    is_idle ? thread_.join() : thread_.detach();
  }
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  /// The future gets what the job throws.
  std::future<void> add(std::function<void()> job) { return jobs_->add(std::move(job)).done; }

 private:
  struct Added {
    std::future<void> done;
    bool idle_before;
  };

  // Lives as long as the thread.
  struct Jobs {
    std::mutex mutex = {};
    std::condition_variable changed = {};
    std::queue<std::pair<std::function<void()>, std::promise<void>>> waiting = {};
    size_t unfinished = 0;

    // An empty job is the last one.
    Added add(std::function<void()> job) {
      const std::lock_guard lock(mutex);
      waiting.emplace(std::move(job), std::promise<void>());
      changed.notify_one();
      return {waiting.back().second.get_future(), unfinished++ == 0};
    }

    auto take() {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return !waiting.empty(); });
      auto job = std::move(waiting.front());
      waiting.pop();
      return job;
    }

    void finish_one() {
      const std::lock_guard lock(mutex);
      --unfinished;
    }

    void work() {
      for (auto job = take(); job.first; job = take()) {
        auto& [run, promise] = job;
        std::exception_ptr failure;
        try {
          run();
        } catch (...) {
          failure = std::current_exception();
        }
        run = [] {};   // lets go of what it owns
        finish_one();  // before anyone who waits goes on
        failure ? promise.set_exception(failure) : promise.set_value();
      }
    }
  };

  std::shared_ptr<Jobs> jobs_;
  std::thread thread_;
};

}  // namespace strata::workers
