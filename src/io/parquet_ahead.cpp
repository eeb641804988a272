// Row groups that are read before their turn. Every thread takes the next ones that nobody has; what they are expected
// to hold, all of them together, is bounded. What a group holds beyond that is read when it is asked for.
#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "strata/io/parquet.h"

namespace strata::io {
namespace {

// Cells with a copy of their texts.
class Cells {
 public:
  struct Row {
    int64_t number;
    bool is_null;
    size_t begin, size;
  };

  explicit Cells(size_t bytes) { text_.reserve(bytes); }

  void add(const ParquetGroup::Cell& cell) {
    rows_.push_back({cell.row, cell.is_null, text_.size(), cell.text.size()});
    text_.append(cell.text);
  }

  size_t count() const { return rows_.size(); }
  size_t bytes() const { return text_.size() + rows_.size() * sizeof(Row); }
  ParquetGroup::Cell operator[](size_t i) const {
    const Row& row = rows_[i];
    return {.row = row.number, .is_null = row.is_null, .text = std::string_view(text_).substr(row.begin, row.size)};
  }

 private:
  std::vector<Row> rows_;
  std::string text_;
};

// The cells that were read ahead, and what comes behind them.
class GroupAhead final : public ParquetGroup {
 public:
  GroupAhead(ParquetTexts& texts, size_t number, size_t bytes) : cells_(bytes) {
    try {
      rest_ = texts.open_group(number);
      while (cells_.bytes() < bytes) {
        const auto cell = rest_->next();
        if (!cell) break;
        cells_.add(*cell);
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  std::optional<Cell> next() override {
    if (at_ < cells_.count()) return cells_[at_++];
    if (failure_) std::rethrow_exception(failure_);
    return rest_->next();
  }

 private:
  std::unique_ptr<ParquetGroup> rest_;
  Cells cells_;
  size_t at_ = 0;
  std::exception_ptr failure_;
};

class TextsAhead final : public ParquetTexts {
 public:
  TextsAhead(std::unique_ptr<ParquetTexts> texts, int threads, size_t bytes)
      : texts_(std::move(texts)), most_(bytes), share_(bytes / (static_cast<size_t>(threads) + 1)) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }

  const std::vector<GroupSize>& groups() const override { return texts_->groups(); }

  std::unique_ptr<ParquetGroup> open_group(size_t number) override {
    std::unique_lock lock(mutex_);
    for (; current_ < number; ++current_) ahead_ -= current_ < next_ ? cost(current_) : 0;
    next_ = std::max(next_, number);
    ready_.erase(ready_.begin(), ready_.lower_bound(number));
    changed_.notify_all();
    changed_.wait(lock, [&] { return ready_.contains(number); });
    return std::move(ready_.extract(number).mapped());
  }

 private:
  size_t expected(size_t number) const {
    const auto& [rows, bytes] = groups()[number];
    const auto expected = static_cast<uint64_t>(rows) * sizeof(Cells::Row) + static_cast<uint64_t>(bytes);
    return static_cast<size_t>(std::min<uint64_t>(expected, share_));
  }

  // With a large text in hand, of which the page has another copy, it is more.
  size_t cost(size_t number) const {
    const auto& [rows, bytes] = groups()[number];
    return std::max(expected(number),
                    static_cast<size_t>(3 * static_cast<uint64_t>(bytes) / std::max<int64_t>(1, rows)));
  }

  bool may_take() const { return next_ < groups().size() && (ahead_ == 0 || ahead_ + cost(next_) <= most_); }

  void work(const std::stop_token& stop) {
    constexpr size_t kTurn = size_t{1} << 20;  // bytes: a thread takes several small groups at a time
    while (true) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return next_ == groups().size() || may_take(); })) return;
      if (next_ == groups().size()) return;
      const size_t begin = next_;
      for (size_t taken = 0; taken < kTurn && may_take(); taken += cost(next_++)) ahead_ += cost(next_);
      const size_t end = next_;
      lock.unlock();
      std::map<size_t, std::unique_ptr<ParquetGroup>> read;
      for (size_t number = begin; number < end && !stop.stop_requested(); ++number) {
        read.emplace(number, std::make_unique<GroupAhead>(*texts_, number, expected(number)));
      }
      lock.lock();
      ready_.merge(read);
      lock.unlock();
      changed_.notify_all();
    }
  }

  std::unique_ptr<ParquetTexts> texts_;
  size_t most_;   // bytes
  size_t share_;  // of one group, so that each thread can read one beside that which was asked for

  std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  size_t current_ = 0;  // the group that was asked for last
  size_t next_ = 0;     // the group that no thread has taken
  size_t ahead_ = 0;    // bytes that the groups between these are expected to hold
  std::map<size_t, std::unique_ptr<ParquetGroup>> ready_;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace

std::unique_ptr<ParquetTexts> read_ahead(std::unique_ptr<ParquetTexts> texts, int threads, size_t bytes) {
  return std::make_unique<TextsAhead>(std::move(texts), threads, bytes);
}

}  // namespace strata::io
