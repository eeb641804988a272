#pragma once

#include <sys/types.h>

#include <csignal>
#include <map>
#include <memory>
#include <vector>

#include "file_descriptor.h"
#include "strata/workers/store.h"

namespace strata::workers {

/// Wakes whoever waits for events, from any thread.
class WakeUp {
 public:
  WakeUp();
  void call() const;
  void clear() const;
  int descriptor() const { return event_.get(); }

 private:
  FileDescriptor event_;
};

/// What the launcher waits for: signals, ends of workers, calls from other threads.
///
/// From then on SIGTERM, SIGINT, SIGHUP and SIGUSR1 are blocked in this thread and in those that it starts, so that a
/// late one does not change how the process ends, and SIGPIPE is ignored. A SIGHUP that was ignored before (nohup)
/// stays ignored.
class Events {
 public:
  struct Batch {
    std::vector<int> signals;
    std::vector<pid_t> ended;  // the first that ended first
  };

  Events();
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  /// A child that is not waited for yet.
  void watch(pid_t child);
  /// Until something happens, at most so long.
  Batch wait(Store::Seconds timeout);
  const std::shared_ptr<const WakeUp>& wake_up() const { return wake_up_; }
  /// As it was before.
  const sigset_t& outer_mask() const { return outer_mask_; }

 private:
  void add(int descriptor) const;
  void read_signals(std::vector<int>& signals) const;

  sigset_t outer_mask_ = {};
  FileDescriptor epoll_, signals_;
  std::shared_ptr<const WakeUp> wake_up_;
  struct Child {
    pid_t pid;
    FileDescriptor descriptor;
  };
  std::map<int, Child> children_;  // by descriptor
};

}  // namespace strata::workers
