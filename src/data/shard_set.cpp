#include "strata/data/shard_set.h"

#include <algorithm>
#include <chrono>

#include "strata/base/check.h"
#include "strata/base/log.h"

namespace strata::data {
namespace {

// Shards that are made before anyone asks for them: more would fill the disk with what may never be used.
constexpr int64_t kMostAhead = 2;

}  // namespace

ShardSet::ShardSet(std::vector<Source> sources, std::shared_ptr<const ShardCache> cache,
                   const std::vector<int64_t>& order)
    : sources_(std::move(sources)),
      cache_(std::move(cache)),
      missing_(order.begin(), order.end()),
      shards_(sources_.size()),
      asked_for_(sources_.size()),
      worker_([this](const std::stop_token& stop) { work(stop); }) {
  STRATA_ASSERT(order.size() == sources_.size());
}

ShardSet::~ShardSet() = default;

const TokenShard& ShardSet::at(int64_t index) {
  std::unique_lock lock(mutex_);
  const auto& shard = shards_[static_cast<size_t>(index)];
  if (!shard) {
    const auto place = std::ranges::find(missing_, index);
    if (place != missing_.end()) std::rotate(missing_.begin(), place, place + 1);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return shard || failure_; });
    --waiting_;
    if (!shard) std::rethrow_exception(failure_);
  }
  if (!asked_for_[static_cast<size_t>(index)]) {
    asked_for_[static_cast<size_t>(index)] = true;
    --ahead_;
    changed_.notify_all();
  }
  return *shard;
}

void ShardSet::close() {
  const std::lock_guard lock(mutex_);
  worker_.request_stop();
  if (!failure_) failure_ = std::make_exception_ptr(Error("the data were closed"));
  changed_.notify_all();
}

void ShardSet::work(const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kLookAgain{100};
  size_t busy_in_a_row = 0;
  std::unique_lock lock(mutex_);
  while (!missing_.empty() && changed_.wait(lock, stop, [&] { return waiting_ > 0 || ahead_ < kMostAhead; })) {
    if (stop.stop_requested()) return;
    const int64_t index = missing_.front();
    bool opened = false;
    lock.unlock();
    std::exception_ptr failure;
    try {
      opened = open(index, stop);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) {
      failure_ = failure;
      changed_.notify_all();
      return;
    }
    std::erase(missing_, index);
    busy_in_a_row = opened ? 0 : busy_in_a_row + 1;
    // Another process makes this one: something else is useful meanwhile.
    if (!opened) missing_.push_back(index);
    if (busy_in_a_row > missing_.size()) changed_.wait_for(lock, stop, kLookAgain, [] { return false; });
    changed_.notify_all();
  }
}

bool ShardSet::open(int64_t index, const std::stop_token& stop) {
  const Source& source = sources_[static_cast<size_t>(index)];
  const auto outcome = cache_->make(source, stop);
  if (outcome == ShardCache::Outcome::kBusy || outcome == ShardCache::Outcome::kStopped) return false;
  auto shard = std::make_unique<const TokenShard>(cache_->path_of(source));
  if (outcome == ShardCache::Outcome::kMade) {
    log::info(
        str("tokenized ", source.name, ": ", shard->num_documents(), " documents, ", shard->num_tokens(), " tokens"));
  }
  const std::lock_guard lock(mutex_);
  shards_[static_cast<size_t>(index)] = std::move(shard);
  ++ahead_;
  return true;
}

}  // namespace strata::data
