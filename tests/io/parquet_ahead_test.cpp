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

// A group of `rows` rows from `row`, of which each third one has no value. Fails behind them if it is the damaged one.
class MadeUpGroup final : public ParquetGroup {
 public:
  MadeUpGroup(int64_t row, int64_t rows, bool is_damaged) : row_(row), end_(row + rows), is_damaged_(is_damaged) {}

  std::optional<Cell> next() override {
    if (row_ == end_ && is_damaged_) throw Error(str("row ", row_, ": damaged"));
    if (row_ == end_) return std::nullopt;
    const int64_t row = row_++;
    text_ = text_of(row);
    return row % 3 == 0 ? Cell{.row = row, .is_null = true, .text = {}} : Cell{.row = row, .text = text_};
  }

 private:
  int64_t row_, end_;
  bool is_damaged_;
  std::string text_;
};

class MadeUpTexts final : public ParquetTexts {
 public:
  explicit MadeUpTexts(std::optional<size_t> damaged, std::atomic<int>* opened = nullptr)
      : damaged_(damaged), opened_(opened) {}

  const std::vector<int64_t>& rows_of_groups() const override { return rows_; }

  std::unique_ptr<ParquetGroup> open_group(size_t number) override {
    if (opened_) ++*opened_;
    int64_t row = 1;
    for (size_t i = 0; i < number; ++i) row += rows_[i];
    return std::make_unique<MadeUpGroup>(row, rows_[number], damaged_ == number);
  }

 private:
  std::vector<int64_t> rows_ = {5, 0, 40, 1, 13, 22, 0, 0, 30, 2};
  std::optional<size_t> damaged_;
  std::atomic<int>* opened_;
};

Cells cells_of(ParquetTexts& texts) {
  Cells cells;
  for (size_t number = 0; number < texts.rows_of_groups().size(); ++number) {
    try {
      const auto group = texts.open_group(number);
      while (const auto cell = group->next()) cells.emplace_back(cell->row, cell->is_null ? "-" : cell->text);
    } catch (const Error& error) {
      cells.emplace_back(-1, error.what());
    }
  }
  return cells;
}

TEST(ParquetAhead, GivesTheSameCellsInTheSameOrder) {
  for (const std::optional<size_t> damaged :
       {std::optional<size_t>(), std::optional<size_t>(2), std::optional<size_t>(9)}) {
    MadeUpTexts texts(damaged);
    const Cells expected = cells_of(texts);
    EXPECT_EQ(expected.size(), damaged ? 114U : 113U);
    for (const int threads : {1, 2, 3, 16}) {
      for (const size_t bytes : {size_t{1}, size_t{3'000'000}, size_t{1} << 40}) {
        const auto ahead = read_ahead(std::make_unique<MadeUpTexts>(damaged), threads, bytes);
        EXPECT_EQ(ahead->rows_of_groups(), texts.rows_of_groups());
        EXPECT_TRUE(cells_of(*ahead) == expected) << threads << " threads, " << bytes << " bytes ahead";
      }
    }
  }
}

TEST(ParquetAhead, ReadsNoFurtherThanItMay) {
  std::atomic<int> opened = 0;
  const auto ahead = read_ahead(std::make_unique<MadeUpTexts>(std::nullopt, &opened), 3, size_t{1} << 40);
  const auto group = ahead->open_group(0);
  while (opened < 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(opened, 3);
}

// Whoever reads may go at any time: within a group, or before the first one.
TEST(ParquetAhead, IsLeftAtAnyTime) {
  for (int cells = 0; cells < 60; ++cells) {
    const auto ahead = read_ahead(std::make_unique<MadeUpTexts>(std::nullopt), 1 + cells % 4, 1);
    int read = 0;
    for (size_t number = 0; read < cells; ++number) {
      const auto group = ahead->open_group(number);
      while (read < cells && group->next()) ++read;
    }
  }
}

TEST(ParquetAhead, AGroupMayBeLeftForTheNext) {
  const auto ahead = read_ahead(std::make_unique<MadeUpTexts>(std::nullopt), 2, 1);
  for (size_t number = 0; number < ahead->rows_of_groups().size(); ++number) {
    const auto cell = ahead->open_group(number)->next();
    EXPECT_EQ(cell.has_value(), ahead->rows_of_groups()[number] > 0);
  }
}

}  // namespace
}  // namespace strata::io
