#include "strata/train/signals.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <string_view>

namespace strata::train {
namespace {

using Clock = std::chrono::steady_clock;

// Written by the handlers, which may do nothing but this.
volatile std::sig_atomic_t received = 0;
volatile std::sig_atomic_t save_requested = 0;
std::atomic<Clock::rep> received_at = 0;
std::atomic<int64_t> grace = 0;
std::atomic<bool> speaks = false;
std::atomic<bool> is_on_terminal = false;
static_assert(std::atomic<Clock::rep>::is_always_lock_free);

void on_stop(int signal) {
  if (received != 0) _exit(128 + signal);
  received = signal;
  received_at = Clock::now().time_since_epoch().count();
  alarm(static_cast<unsigned>(grace.load()));
  if (!speaks) return;
  std::string_view message = "\nstopping after this step, with a checkpoint; the same again ends at once\n";
  if (!is_on_terminal) message.remove_prefix(1);  // there a line of progress may be open
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message.data(), message.size());
}

void on_end_of_grace(int) {
  constexpr std::string_view kMessage =
      "error: checkpoint.grace_seconds are over before the checkpoint is saved; the one before it stays\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage.data(), kMessage.size());
  _exit(128 + received);
}

void on_save(int) { save_requested = 1; }

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

// nohup lets a process live on without its terminal.
bool is_ignored(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

void outlive_failing_writes() {
  for (const int signal : {SIGPIPE, SIGXFSZ}) handle(signal, SIG_IGN);
}

void listen_for_signals(int64_t grace_seconds, bool says) {
  grace = grace_seconds;
  speaks = says;
  is_on_terminal = isatty(STDERR_FILENO) != 0;
  handle(SIGINT, on_stop);
  handle(SIGTERM, on_stop);
  if (!is_ignored(SIGHUP)) handle(SIGHUP, on_stop);
  handle(SIGALRM, on_end_of_grace);
  handle(SIGUSR1, on_save);
}

int stop_signal() { return received; }

bool is_time_to_save() {
  if (received == 0 || grace == 0) return false;
  const Clock::time_point asked{Clock::duration(received_at.load())};
  return Clock::now() - asked > std::chrono::milliseconds(500) * grace.load();
}

bool take_save_request() {
  const bool requested = save_requested != 0;
  save_requested = 0;
  return requested;
}

}  // namespace strata::train
