#include "events.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "strata/base/check.h"

namespace strata::workers {
namespace {

FileDescriptor checked(int descriptor, const char* what) {
  STRATA_CHECK(descriptor >= 0, "cannot make ", what, ": ", std::strerror(errno));
  return FileDescriptor(descriptor);
}

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, signal);
  struct sigaction hangup = {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

WakeUp::WakeUp() : event_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "an eventfd")) {}

void WakeUp::call() const { eventfd_write(event_.get(), 1); }

void WakeUp::clear() const {
  eventfd_t calls = 0;
  eventfd_read(event_.get(), &calls);
}

Events::Events()
    : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "an epoll")), wake_up_(std::make_shared<const WakeUp>()) {
  const sigset_t handled = handled_signals();
  pthread_sigmask(SIG_BLOCK, &handled, &outer_mask_);
  signals_ = checked(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK), "a signalfd");
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, exit codes are lost
  add(signals_.get());
  add(wake_up_->descriptor());
}

void Events::add(int descriptor) const {
  epoll_event event = {.events = EPOLLIN, .data = {.fd = descriptor}};
  STRATA_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0,
               "cannot wait for events: ", std::strerror(errno));
}

void Events::watch(pid_t child) {
  // glibc 2.36 declares pidfd_open for C alone.
  FileDescriptor descriptor = checked(static_cast<int>(syscall(SYS_pidfd_open, child, 0)), "a pidfd");
  add(descriptor.get());
  const int key = descriptor.get();
  children_.insert_or_assign(key, Child{.pid = child, .descriptor = std::move(descriptor)});
}

void Events::read_signals(std::vector<int>& signals) const {
  signalfd_siginfo info = {};
  while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) signals.push_back(static_cast<int>(info.ssi_signo));
}

// epoll gives what became ready first first: that is the order in which children ended.
Events::Batch Events::wait(Store::Seconds timeout) {
  constexpr int kMost = 64;
  std::array<epoll_event, kMost> ready;
  const double milliseconds = std::clamp(std::ceil(timeout.count() * 1e3), 0.0, 1e6);
  const int count = epoll_wait(epoll_.get(), ready.data(), kMost, static_cast<int>(milliseconds));
  Batch batch;
  for (int at = 0; at < count; ++at) {
    const int descriptor = ready[static_cast<size_t>(at)].data.fd;
    if (descriptor == signals_.get()) {
      read_signals(batch.signals);
    } else if (descriptor == wake_up_->descriptor()) {
      wake_up_->clear();
    } else if (const auto child = children_.find(descriptor); child != children_.end()) {
      batch.ended.push_back(child->second.pid);
      children_.erase(child);  // closing it takes it out of the epoll
    }
  }
  return batch;
}

}  // namespace strata::workers
