// Row groups that are read before they are asked for give what they give when they are not.
#include <atomic>
#include <chrono>
#include <thread>

#include "strata/base/check.h"
#include "strata/io/parquet.h"

namespace strata::io {
namespace {

using Cells = std::vector<std::pair<int64_t, std::string>>;  // rows, texts; "-": no value

std::string text_of(int64_t row) {
  return std::string(static_cast<size_t>(row * 7919 % 300'000), static_cast<char>('a' + row % 26));
}

struct Work {
  std::atomic<int> opened = 0, cells = 0;
};

// A group of `rows` rows from `row`, of which each third one has no value. Fails behind them if it is the damaged one.
class MadeUpGroup final : public ParquetGroup {
 public:
  MadeUpGroup(int64_t row, int64_t rows, bool is_damaged, Work* work)
      : row_(row), end_(row + rows), is_damaged_(is_damaged), work_(work) {}

  std::optional<Cell> next() override {
    if (row_ == end_ && is_damaged_) throw Error(str("row ", row_, ": damaged"));
    if (row_ == end_) return std::nullopt;
    if (work_) ++work_->cells;
    const int64_t row = row_++;
    text_ = text_of(row);
    return row % 3 == 0 ? Cell{.row = row, .is_null = true, .text = {}} : Cell{.row = row, .text = text_};
  }

 private:
  int64_t row_, end_;
  bool is_damaged_;
  Work* work_;
  std::string text_;
};

struct MadeUp {
  std::optional<size_t> damaged = {};
  int64_t bytes_of_row = 150'000;  // as the file's end says; the mean of what texts have
  Work* work = nullptr;
};

class MadeUpTexts final : public ParquetTexts {
 public:
  explicit MadeUpTexts(MadeUp made_up = {}) : made_up_(made_up) {
    for (const int64_t rows : {5, 0, 40, 1, 13, 22, 0, 0, 30, 2}) {
      groups_.push_back({.rows = rows, .bytes = rows * made_up.bytes_of_row});
    }
  }

  const std::vector<GroupSize>& groups() const override { return groups_; }

  std::unique_ptr<ParquetGroup> open_group(size_t number) override {
    if (made_up_.work) ++made_up_.work->opened;
    int64_t row = 1;
    for (size_t i = 0; i < number; ++i) row += groups_[i].rows;
    return std::make_unique<MadeUpGroup>(row, groups_[number].rows, made_up_.damaged == number, made_up_.work);
  }

 private:
  MadeUp made_up_;
  std::vector<GroupSize> groups_;
};

Cells cells_of(ParquetTexts& texts) {
  Cells cells;
  for (size_t number = 0; number < texts.groups().size(); ++number) {
    try {
      const auto group = texts.open_group(number);
      while (const auto cell = group->next()) cells.emplace_back(cell->row, cell->is_null ? "-" : cell->text);
    } catch (const Error& error) {
      cells.emplace_back(-1, error.what());
    }
  }
  return cells;
}

std::unique_ptr<ParquetTexts> ahead_of(MadeUp made_up, int threads, size_t bytes) {
  return read_ahead(std::make_unique<MadeUpTexts>(made_up), threads, bytes);
}

// Whatever the file's end says of its groups.
TEST(ParquetAhead, GivesTheSameCellsInTheSameOrder) {
  for (const std::optional<size_t> damaged :
       {std::optional<size_t>(), std::optional<size_t>(2), std::optional<size_t>(9)}) {
    MadeUpTexts texts({.damaged = damaged});
    const Cells expected = cells_of(texts);
    EXPECT_EQ(expected.size(), damaged ? 114U : 113U);
    for (const int threads : {1, 2, 3, 16}) {
      for (const size_t bytes : {size_t{1}, size_t{3'000'000}, size_t{1} << 40}) {
        for (const int64_t bytes_of_row : {int64_t{0}, int64_t{150'000}, int64_t{1} << 22}) {
          const auto ahead = ahead_of({.damaged = damaged, .bytes_of_row = bytes_of_row}, threads, bytes);
          EXPECT_TRUE(cells_of(*ahead) == expected) << threads << " threads, " << bytes << " bytes ahead";
        }
      }
    }
  }
}

// Until no thread has anything to do.
void expect_opened(const Work& work, int groups) {
  for (int i = 0; i < 5'000 && work.opened < groups; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(work.opened, groups);
}

// Groups of 5, 0, 40, 1, 13, 22, 0, 0, 30 and 2 rows of 150,032 bytes, of each up to its share, three texts at least.
TEST(ParquetAhead, ReadsNoFurtherThanItMay) {
  Work alone, four;
  const auto by_one = ahead_of({.work = &alone}, 1, 10'000'000), by_four = ahead_of({.work = &four}, 4, 5'000'000);
  expect_opened(alone, 5);
  expect_opened(four, 8);
  by_one->open_group(0);
  by_four->open_group(0);
  by_four->open_group(2);
  expect_opened(four, 10);
  by_one->open_group(2);
  expect_opened(alone, 5);
  by_one->open_group(3);
  expect_opened(alone, 8);
}

// A group that holds more than its share, or than the file's end says, is read on when it is asked for.
TEST(ParquetAhead, ReadsOnInAGroupThatIsTooLarge) {
  Work work;
  const auto ahead = ahead_of({.bytes_of_row = 0, .work = &work}, 2, 100);
  const auto group = ahead->open_group(0);
  expect_opened(work, 4);
  EXPECT_EQ(work.cells, 4);  // one, none, two, of which the first has no value, and one
  int cells = 0;
  while (group->next()) ++cells;
  EXPECT_EQ(cells, 5);
}

// Whoever reads may go at any time: within a group, or before the first one.
TEST(ParquetAhead, IsLeftAtAnyTime) {
  for (int cells = 0; cells < 60; ++cells) {
    const auto ahead = ahead_of({}, 1 + cells % 4, 1);
    int read = 0;
    for (size_t number = 0; read < cells; ++number) {
      const auto group = ahead->open_group(number);
      while (read < cells && group->next()) ++read;
    }
  }
}

TEST(ParquetAhead, AGroupMayBeLeftForTheNext) {
  const auto ahead = ahead_of({}, 2, 1);
  for (size_t number = 0; number < ahead->groups().size(); ++number) {
    const auto cell = ahead->open_group(number)->next();
    EXPECT_EQ(cell.has_value(), ahead->groups()[number].rows > 0);
  }
}

}  // namespace
}  // namespace strata::io
