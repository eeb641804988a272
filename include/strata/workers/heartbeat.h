#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "strata/workers/communicator.h"
#include "strata/workers/signs_of_life.h"
#include "strata/workers/store.h"

namespace strata::workers {

/// Tells the other workers about once a second that this one is alive and what it does, and watches over them.
///
/// Threads of its own do that over a connection of their own. The thread that computes says `get_on` with every piece
/// of work and holds a `Waiting` while it waits for other workers; it computes until it says otherwise.
class Heartbeat final : public Watcher {
 public:
  /// Told once, from another thread, why the run cannot go on: one line that names the workers that are hung, or the
  /// store that is lost. It may end the process.
  using OnHung = std::function<void(const std::string& message)>;

  /// `workers` are all ranks; without a sign of life for `timeout` one of them is hung.
  Heartbeat(const Store& store, int rank, const std::vector<Introduction>& workers, Store::Seconds timeout,
            OnHung on_hung);
  /// Stops at once, unless the store does not answer: then `on_hung` is told when the timeout is over.
  ~Heartbeat() override;
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void begin_step(int64_t step) override;
  void get_on() override { ++progress_; }
  void begin_wait() override { change_waiting(1); }
  void end_wait() override { change_waiting(-1); }

  /// One line about all workers that are not waiting for others.
  std::string describe() const;

  /// A good end: every rank says so, and is no longer watched. Rank 0, with which the store may end, waits until all
  /// have, for `timeout` at most. Throws Error when the store is lost.
  void leave(Store::Seconds timeout);

 private:
  void change_waiting(int by);
  Sign sign() const;
  void talk();
  void exchange();
  std::optional<std::string> look();
  void watch_store();
  void tell(const std::string& message);
  void stop();

  Store store_;
  int rank_;
  Store::Seconds timeout_;
  Store::Seconds interval_;  // between signs
  OnHung on_hung_;

  std::atomic<int64_t> alive_ = 0;
  std::atomic<int64_t> progress_ = 0;
  std::atomic<int64_t> step_ = 0;
  std::atomic<int> waits_ = 0;
  std::atomic<int> silence_ = 0;  // intervals since the store last answered
  std::atomic_flag told_;
  std::vector<int> heard_, unheard_;  // ranks that have given a sign, and the others

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool stop_talking_ = false;
  bool stop_watching_ = false;
  double now_ = 0.0;  // seconds that were listened
  SignsOfLife signs_;

  std::thread talking_;
  std::thread watching_;
};

}  // namespace strata::workers
