#include "strata/data/shard_set.h"

#include <algorithm>
#include <chrono>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::data {
namespace {

// Shards that are made before anyone asks for them: more would fill the disk with what may never be used.
constexpr int64_t kMostAhead = 2;

bool contains(const std::vector<int64_t>& values, int64_t value) {
  return std::ranges::find(values, value) != values.end();
}

}  // namespace

ShardSet::ShardSet(std::vector<Source> sources, std::shared_ptr<const ShardCache> cache, std::vector<int64_t> order,
                   int64_t disk_budget)
    : sources_(std::move(sources)),
      cache_(std::move(cache)),
      budget_(disk_budget),
      order_(std::move(order)),
      position_(order_.size()),
      slots_(sources_.size()) {
  STRATA_ASSERT(order_.size() == sources_.size());
  take_stock();
  worker_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

ShardSet::~ShardSet() = default;

std::shared_ptr<const TokenShard> ShardSet::at(int64_t index) {
  std::unique_lock lock(mutex_);
  Slot& asked = slot(index);
  move_to(index);
  if (asked.used == kNotUsed || last_ != index) changed_.notify_all();  // there may be room for another
  asked.used = ++clock_;
  last_ = index;
  if (!asked.shard) {
    wanted_.push_back(index);
    changed_.notify_all();
    const log::Wait wait(str("the tokens of ", sources_[static_cast<size_t>(index)].name));
    changed_.wait(lock, [&] { return asked.shard || failure_; });
    wanted_.erase(std::ranges::find(wanted_, index));
    if (!asked.shard) std::rethrow_exception(failure_);
  }
  return asked.shard;
}

ShardCounts ShardSet::counts(int64_t index) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_counts(index)) return *known;
  }
  return at(index)->counts();
}

void ShardSet::expect(std::vector<int64_t> order) {
  STRATA_ASSERT(order.size() == sources_.size());
  const std::lock_guard lock(mutex_);
  order_ = std::move(order);
  position_ = order_.size();
}

void ShardSet::need_all() {
  const std::lock_guard lock(mutex_);
  needs_all_ = true;
  if (budget_ == 0) return;
  for (int64_t index = 0; index < size(); ++index) known_counts(index);
  check_all_fit();
}

void ShardSet::close() {
  const std::lock_guard lock(mutex_);
  worker_.request_stop();
  if (!failure_) failure_ = std::make_exception_ptr(Error("the data were closed"));
  changed_.notify_all();
}

// What lies between two shards that are asked for one after the other is not needed in this epoch any more.
void ShardSet::move_to(int64_t index) {
  const size_t place = static_cast<size_t>(std::ranges::find(order_, index) - order_.begin());
  const size_t from = position_ == order_.size() ? 0 : position_;
  for (size_t passed = from; passed < place; ++passed) {
    Slot& slot = this->slot(order_[passed]);
    if (slot.used == kNotUsed) slot.used = kPassedOver;
  }
  position_ = place;
}

std::optional<ShardCounts> ShardSet::known_counts(int64_t index) {
  Slot& slot = this->slot(index);
  if (!slot.counts && is_url(index)) slot.counts = cache_->counts_left_by(sources_[static_cast<size_t>(index)]);
  return slot.counts;
}

void ShardSet::check_all_fit() {
  int64_t known = 0;
  for (int64_t index = 0; index < size(); ++index) {
    const Slot& slot = this->slot(index);
    if (is_url(index)) known += slot.counts ? slot.counts->bytes : slot.bytes;
  }
  if (known <= budget_) return;
  throw UsageError(
      str("data.disk_budget_gb=", static_cast<double>(budget_) / 1e9,
          " is too small: data.shuffle_scope: ", "global mixes rows of all shards, and those of URLs take at least ",
          human_bytes(known), "; data.shuffle_scope: shard streams them"));
}

std::optional<int64_t> ShardSet::next_to_make(const std::vector<int64_t>& busy) const {
  const auto is_missing = [&](int64_t index) { return !slot(index).shard && !contains(busy, index); };
  const auto wanted = std::ranges::find_if(wanted_, is_missing);
  if (wanted != wanted_.end()) return *wanted;
  const auto ahead =
      std::ranges::count_if(slots_, [](const Slot& slot) { return slot.shard && slot.used == kNotUsed; });
  // Where a shard that somebody waits for is made by another process, anything else is useful meanwhile.
  if (ahead >= kMostAhead && wanted_.empty()) return std::nullopt;
  const auto next = std::find_if(order_.begin() + static_cast<std::ptrdiff_t>(position_), order_.end(), is_missing);
  if (next == order_.end()) return std::nullopt;
  const bool has_room = budget_ == 0 || needs_all_ || disk_ < budget_ || !is_url(*next);
  return has_room ? std::optional(*next) : std::nullopt;
}

std::optional<int64_t> ShardSet::next_to_evict() const {
  if (budget_ == 0 || needs_all_ || disk_ <= budget_) return std::nullopt;
  std::optional<int64_t> oldest;
  for (int64_t index = 0; index < size(); ++index) {
    const Slot& slot = this->slot(index);
    const bool is_needed = slot.used == kNotUsed || index == last_ || contains(wanted_, index);
    if (slot.bytes == 0 || is_needed) continue;
    if (!oldest || slot.used < this->slot(*oldest).used) oldest = index;
  }
  return oldest;
}

void ShardSet::work(const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kLookAgain{100};
  std::vector<int64_t> busy;  // shards that another process makes
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return next_to_evict() || next_to_make({}); })) {
    if (stop.stop_requested()) return;
    const auto old = next_to_evict();
    const auto next = next_to_make(busy);
    if (!old && !next) {
      changed_.wait_for(lock, stop, kLookAgain, [] { return false; });
      busy.clear();
      continue;
    }
    lock.unlock();
    std::exception_ptr failure;
    try {
      if (old) {
        evict(*old);
      } else if (open(*next, stop)) {
        busy.clear();
      } else {
        busy.push_back(*next);
      }
      take_stock();
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) failure_ = failure;
    changed_.notify_all();
    if (failure) return;
  }
}

bool ShardSet::open(int64_t index, const std::stop_token& stop) {
  const Source& source = sources_[static_cast<size_t>(index)];
  const auto outcome = cache_->make(source, stop);
  if (outcome == ShardCache::Outcome::kBusy || outcome == ShardCache::Outcome::kStopped) return false;
  const auto shard = cache_->open(source);
  if (!shard) return false;
  const std::lock_guard lock(mutex_);
  const auto before = known_counts(index);
  STRATA_CHECK(!before || *before == shard->counts(), source.url,
               ": the server's file is another one than before: ", shard->num_documents(), " documents, ",
               shard->num_tokens(), " tokens, not ", before->documents, " and ", before->tokens,
               "; data.cache can be emptied to begin with the new one");
  Slot& slot = this->slot(index);
  slot.counts = shard->counts();
  slot.shard = shard;
  if (!contains(wanted_, index)) slot.used = kNotUsed;
  return true;
}

void ShardSet::evict(int64_t index) {
  const Source& source = sources_[static_cast<size_t>(index)];
  std::shared_ptr<const TokenShard> shard;
  {
    const std::lock_guard lock(mutex_);
    if (next_to_evict() != index) return;  // somebody has asked for it meanwhile
    shard = std::move(slot(index).shard);
    slot(index).used = kNotUsed;
  }
  if (!shard) shard = cache_->open(source);  // of an earlier run
  if (!shard) return;
  cache_->evict(source, shard->counts());
  log::info(str("evicted ", source.name, ": ", human_bytes(shard->counts().bytes), " (data.disk_budget_gb)"));
}

// Other processes make and evict shards as well.
void ShardSet::take_stock() {
  if (budget_ == 0) return;
  std::vector<int64_t> bytes(sources_.size());
  for (int64_t index = 0; index < size(); ++index) {
    const auto i = static_cast<size_t>(index);
    if (is_url(index)) bytes[i] = cache_->bytes_of(sources_[i]);
  }
  const std::lock_guard lock(mutex_);
  disk_ = 0;
  for (size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].bytes = bytes[i];
    disk_ += bytes[i];
  }
  if (needs_all_) check_all_fit();
}

}  // namespace strata::data
