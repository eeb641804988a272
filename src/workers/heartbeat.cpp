#include "strata/workers/heartbeat.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "strata/base/check.h"
#include "strata/base/log.h"

namespace strata::workers {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCourtesy = 3;  // intervals that others leave to the first to speak

std::string key_of(int rank) { return str("sign/", rank); }
std::string left_key_of(int rank) { return str("left/", rank); }

}  // namespace

Heartbeat::Heartbeat(const Store& store, int rank, const std::vector<Introduction>& workers, Store::Seconds timeout,
                     OnHung on_hung)
    : store_(store.another_connection().under("heartbeat/")),
      rank_(rank),
      timeout_(timeout),
      interval_(std::min(timeout / 10, Store::Seconds(1))),
      on_hung_(std::move(on_hung)),
      unheard_(workers.size()),
      signs_(workers, rank, timeout.count()) {
  std::iota(unheard_.begin(), unheard_.end(), 0);
  talking_ = std::thread([this] { talk(); });
  watching_ = std::thread([this] { watch_store(); });
}

Heartbeat::~Heartbeat() { stop(); }

void Heartbeat::begin_step(int64_t step) {
  step_ = step;
  ++progress_;
}

void Heartbeat::change_waiting(int by) {
  waits_ += by;
  ++progress_;
}

Sign Heartbeat::sign() const {
  return {.alive = alive_,
          .progress = progress_,
          .step = step_,
          .doing = waits_ > 0 ? Sign::Doing::kWaiting : Sign::Doing::kComputing};
}

std::string Heartbeat::describe() const {
  const std::lock_guard lock(mutex_);
  return signs_.describe(now_);
}

void Heartbeat::talk() try {
  auto before = Clock::now();
  while (true) {
    exchange();
    silence_ = 0;
    if (const auto verdict = look()) return tell(*verdict);
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, interval_, [this] { return stop_talking_; })) return;
    // A process that was stopped for an hour has not listened for an hour.
    const auto now = Clock::now();
    now_ += std::min<Store::Seconds>(now - before, kCourtesy * interval_).count();
    before = now;
  }
} catch (const Error& failure) {
  tell(str("lost ", failure.what()));
}

void Heartbeat::exchange() {
  ++alive_;
  const Sign mine = sign();
  store_.set(key_of(rank_), to_text(mine));
  std::erase_if(unheard_, [this](int rank) {
    const bool is_there = store_.find(key_of(rank)).has_value();
    if (is_there) heard_.push_back(rank);
    return is_there;
  });
  std::vector<std::string> keys;
  for (const int rank : heard_) keys.push_back(key_of(rank));
  const std::vector<std::string> texts = store_.get(keys);
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < heard_.size(); ++i) signs_.hear(heard_[i], sign_of_text(texts[i]), now_);
}

std::optional<std::string> Heartbeat::look() {
  const std::lock_guard lock(mutex_);
  return signs_.verdict(now_, kCourtesy * interval_.count());
}

// The thread that talks cannot tell of a host that went away without a word: it waits for the store's answer.
void Heartbeat::watch_store() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, interval_, [this] { return stop_watching_; })) {
    if (++silence_ * interval_ < timeout_) continue;
    lock.unlock();
    return tell(str("lost the workers' store at ", store_.host(), ":", store_.port(), ": no answer for ",
                    timeout_.count(), " s"));
  }
}

void Heartbeat::tell(const std::string& message) {
  if (!told_.test_and_set()) on_hung_(message);
}

void Heartbeat::stop() {
  const auto end = [this](bool& flag, std::thread& thread) {
    if (!thread.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      flag = true;
    }
    changed_.notify_all();
    thread.join();
  };
  end(stop_talking_, talking_);
  end(stop_watching_, watching_);
}

void Heartbeat::leave(Store::Seconds timeout) {
  stop();
  Sign last = sign();
  last.doing = Sign::Doing::kLeft;
  store_.set(key_of(rank_), to_text(last));
  store_.set(left_key_of(rank_), "");
  if (rank_ != 0) return;
  const auto end = Clock::now() + timeout;
  std::vector<int> missing;
  for (int rank = 1; rank < signs_.world_size(); ++rank) {
    const Store::Seconds rest = std::max<Store::Seconds>(end - Clock::now(), Store::Seconds(0));
    if (!store_.wait_for(left_key_of(rank), rest)) missing.push_back(rank);
  }
  if (!missing.empty()) {
    log::warn(str(name_ranks(missing), " of ", signs_.world_size(), " did not end within ", timeout.count(), " s"));
  }
}

}  // namespace strata::workers
