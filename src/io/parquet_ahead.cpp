// Row groups that are read before their turn: every thread takes the next group that nobody has, and waits where it is
// as far ahead as it may be.
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "strata/io/parquet.h"

namespace strata::io {
namespace {

constexpr size_t kBlock = size_t{1} << 20;  // bytes

// Cells with a copy of their texts.
class Block {
 public:
  void add(const ParquetGroup::Cell& cell) {
    rows_.push_back({cell.row, cell.is_null, text_.size(), cell.text.size()});
    if (text_.empty()) text_.reserve(kBlock + cell.text.size());
    text_.append(cell.text);
  }

  bool empty() const { return rows_.empty(); }
  size_t cells() const { return rows_.size(); }
  size_t bytes() const { return text_.size() + rows_.size() * sizeof(Row); }
  ParquetGroup::Cell cell(size_t i) const {
    const Row& row = rows_[i];
    return {.row = row.number, .is_null = row.is_null, .text = std::string_view(text_).substr(row.begin, row.size)};
  }

 private:
  struct Row {
    int64_t number;
    bool is_null;
    size_t begin, size;
  };

  std::vector<Row> rows_;
  std::string text_;
};

class TextsAhead final : public ParquetTexts {
 public:
  TextsAhead(std::unique_ptr<ParquetTexts> texts, int threads, size_t bytes)
      : texts_(std::move(texts)), ahead_(static_cast<size_t>(threads)), bytes_(bytes) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }

  const std::vector<int64_t>& rows_of_groups() const override { return texts_->rows_of_groups(); }

  std::unique_ptr<ParquetGroup> open_group(size_t number) override {
    {
      const std::lock_guard lock(mutex_);
      current_ = number;
      groups_.erase(groups_.begin(), groups_.lower_bound(number));
    }
    changed_.notify_all();
    return std::make_unique<Reading>(*this, number);
  }

 private:
  struct Group {
    std::deque<Block> blocks;
    size_t bytes = 0;  // of the blocks
    bool is_read = false;
    std::exception_ptr failure;  // behind the blocks
  };

  class Reading final : public ParquetGroup {
   public:
    Reading(TextsAhead& texts, size_t number) : texts_(texts), number_(number) {}

    std::optional<Cell> next() override {
      if (at_ == block_.cells()) {
        block_ = texts_.take(number_);
        at_ = 0;
        if (block_.empty()) return std::nullopt;
      }
      return block_.cell(at_++);
    }

   private:
    TextsAhead& texts_;
    size_t number_;
    Block block_;
    size_t at_ = 0;
  };

  // An empty one at the end.
  Block take(size_t number) {
    std::unique_lock lock(mutex_);
    Group& group = groups_[number];
    changed_.wait(lock, [&] { return !group.blocks.empty() || group.is_read; });
    if (group.blocks.empty()) {
      if (group.failure) std::rethrow_exception(group.failure);
      return {};
    }
    Block block = std::move(group.blocks.front());
    group.blocks.pop_front();
    group.bytes -= block.bytes();
    lock.unlock();
    changed_.notify_all();
    return block;
  }

  void work(const std::stop_token& stop) {
    while (true) {
      size_t number = 0;
      {
        std::unique_lock lock(mutex_);
        const bool may_go_on =
            changed_.wait(lock, stop, [&] { return next_ == rows_of_groups().size() || next_ < current_ + ahead_; });
        if (!may_go_on || next_ == rows_of_groups().size()) return;
        number = next_++;
        groups_[number];
      }
      read(number, stop);
    }
  }

  void read(size_t number, const std::stop_token& stop) {
    Block block;
    std::exception_ptr failure;
    try {
      const auto group = texts_->open_group(number);
      while (const auto cell = group->next()) {
        block.add(*cell);
        if (block.bytes() >= kBlock && !put(number, std::exchange(block, {}), stop)) return;
      }
    } catch (...) {
      failure = std::current_exception();
    }
    if (!block.empty() && !put(number, std::move(block), stop)) return;
    {
      const std::lock_guard lock(mutex_);
      const auto group = groups_.find(number);
      if (group == groups_.end()) return;
      group->second.is_read = true;
      group->second.failure = failure;
    }
    changed_.notify_all();
  }

  // Waits for room. False if nobody wants it any more.
  bool put(size_t number, Block block, const std::stop_token& stop) {
    {
      std::unique_lock lock(mutex_);
      const auto is_unwanted = [&] { return !groups_.contains(number); };
      const bool may_go_on =
          changed_.wait(lock, stop, [&] { return is_unwanted() || groups_.at(number).bytes < bytes_; });
      if (!may_go_on || is_unwanted()) return false;
      Group& group = groups_.at(number);
      group.bytes += block.bytes();
      group.blocks.push_back(std::move(block));
    }
    changed_.notify_all();
    return true;
  }

  std::unique_ptr<ParquetTexts> texts_;
  size_t ahead_;
  size_t bytes_;

  std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  size_t current_ = 0;                 // the group that was asked for last
  size_t next_ = 0;                    // the group that no thread has taken
  std::map<size_t, Group> groups_;     // that were taken or asked for
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace

std::unique_ptr<ParquetTexts> read_ahead(std::unique_ptr<ParquetTexts> texts, int threads, size_t bytes) {
  return std::make_unique<TextsAhead>(std::move(texts), threads, bytes);
}

}  // namespace strata::io
