#include "strata/base/threads.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "strata/base/check.h"

namespace strata {
namespace {

// What the calling thread is doing.
thread_local int index_here = 0;
thread_local bool is_alone = false;  // in a task, or for good
thread_local bool has_one_aten_thread = false;

// As ATen says before it is kept to one thread.
int threads_at_first() {
  static const int count = at::get_num_threads();
  return count;
}

void keep_aten_to_one_thread() {
  if (has_one_aten_thread) return;
  threads_at_first();
  at::set_num_threads(1);
  has_one_aten_thread = true;
}

std::atomic<int> wanted_threads{0};  // 0: as at first

// While this lives, the thread runs tasks as one of several, or alone.
class InTask {
 public:
  InTask(int index, bool alone) : index_(index_here), alone_(is_alone) {
    index_here = index;
    is_alone = is_alone || alone;
  }
  ~InTask() {
    index_here = index_;
    is_alone = alone_;
  }
  InTask(const InTask&) = delete;
  InTask& operator=(const InTask&) = delete;

 private:
  int index_;
  bool alone_;
};

// Whether it came true before it is worth a sleep. The next piece of a step's work comes within microseconds, mostly:
// looking costs least then. After that a core is left to whoever wants one, between looks.
template <class Ready>
bool comes_soon(const Ready& ready) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kLooking = std::chrono::microseconds(20);
  constexpr auto kYielding = std::chrono::milliseconds(5);
  const auto start = Clock::now();
  for (auto waited = Clock::duration(); waited < kYielding; waited = Clock::now() - start) {
    if (ready()) return true;
    if (waited > kLooking) std::this_thread::yield();
  }
  return false;
}

// Threads that sleep until something has come true. Who makes it true does so before wake().
class Sleepers {
 public:
  template <class Ready>
  void sleep_until(const Ready& ready) {
    std::unique_lock lock(mutex_);
    ++count_;
    awake_.wait(lock, ready);
    --count_;
  }

  void wake() {
    if (count_ == 0) return;
    { const std::lock_guard lock(mutex_); }  // who has looked in vain is asleep now
    awake_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable awake_;
  std::atomic<int> count_{0};
};

template <class Ready>
void wait_until(Sleepers& sleepers, const Ready& ready) {
  if (!comes_soon(ready)) sleepers.sleep_until(ready);
}

// The threads besides the one that has the work. One piece of work at a time.
class Crew {
 public:
  explicit Crew(int size) {
    for (int index = 1; index <= size; ++index) threads_.emplace_back([this, index] { serve(index); });
  }
  ~Crew() {
    is_over_ = true;
    workers_.wake();
    for (std::thread& thread : threads_) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  int size() const { return static_cast<int>(threads_.size()); }

  void run(int64_t tasks, TaskFunction function) {
    STRATA_ASSERT(tasks <= int64_t{kLeft});
    function_ = function;
    tasks_ = tasks;
    failure_ = nullptr;
    unfinished_.store(tasks, std::memory_order_relaxed);
    open_ = ((open_ >> kLeftBits) + 1) << kLeftBits | static_cast<uint64_t>(tasks);
    workers_.wake();
    work(0);
    wait_until(caller_, [this] { return unfinished_ == 0; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  // Which piece of work is open, by its number, and in the lower bits how many of its tasks nobody has taken. Both in
  // one, so that who comes late takes no task of the next for one of the last.
  static constexpr int kLeftBits = 32;
  static constexpr uint64_t kLeft = (uint64_t{1} << kLeftBits) - 1;

  bool has_tasks() const { return (open_ & kLeft) != 0; }

  // A task that is taken keeps the piece of work as it is until it is finished.
  bool take(int64_t& task) {
    uint64_t open = open_;
    while ((open & kLeft) != 0) {
      if (!open_.compare_exchange_weak(open, open - 1)) continue;
      task = tasks_ - static_cast<int64_t>(open & kLeft);
      return true;
    }
    return false;
  }

  void work(int index) {
    const InTask in_task(index, true);
    for (int64_t task = 0; take(task);) {
      try {
        function_.call(function_.function, task);
      } catch (...) {
        const std::lock_guard lock(failure_mutex_);
        if (!failure_) failure_ = std::current_exception();
      }
      if (--unfinished_ == 0) caller_.wake();
    }
  }

  void serve(int index) {
    keep_aten_to_one_thread();
    while (!is_over_) {
      wait_until(workers_, [this] { return has_tasks() || is_over_; });
      work(index);
    }
  }

  TaskFunction function_ = {};
  int64_t tasks_ = 0;
  std::exception_ptr failure_;
  std::mutex failure_mutex_;
  alignas(64) std::atomic<uint64_t> open_{0};
  alignas(64) std::atomic<int64_t> unfinished_{0};
  alignas(64) std::atomic<bool> is_over_{false};
  Sleepers workers_, caller_;
  std::vector<std::thread> threads_;
};

// Never destroyed: its threads may wait until the process ends.
struct SharedCrew {
  std::mutex in_use;
  std::unique_ptr<Crew> crew;
};

SharedCrew& shared_crew() {
  static auto* const shared = new SharedCrew;
  return *shared;
}

void run_alone(int64_t tasks, TaskFunction function) {
  const InTask in_task(0, tasks > 1);  // a single task may share its own work
  for (int64_t task = 0; task < tasks; ++task) function.call(function.function, task);
}

}  // namespace

int num_threads() {
  if (is_alone) return 1;
  const int wanted = wanted_threads.load(std::memory_order_relaxed);
  return wanted > 0 ? wanted : threads_at_first();
}

void set_num_threads(int count) {
  threads_at_first();
  wanted_threads = count;
}

void work_alone() { is_alone = true; }

int thread_index() { return index_here; }

void run_tasks(int64_t tasks, TaskFunction function) {
  if (tasks <= 0) return;
  const int threads = num_threads();
  keep_aten_to_one_thread();
  if (threads == 1 || tasks == 1) return run_alone(tasks, function);
  SharedCrew& shared = shared_crew();
  const std::unique_lock lock(shared.in_use, std::try_to_lock);
  if (!lock.owns_lock()) return run_alone(tasks, function);  // another thread's work is being done
  if (!shared.crew || shared.crew->size() != threads - 1) {
    shared.crew.reset();
    shared.crew = std::make_unique<Crew>(threads - 1);
  }
  shared.crew->run(tasks, function);
}

}  // namespace strata
