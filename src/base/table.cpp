#include "strata/base/table.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata {
namespace {

constexpr const char* kGap = "   ";

// A bar would end the cell.
std::string escaped(const std::string& cell) {
  std::string text;
  for (const char character : cell) {
    if (character == '|') text += '\\';
    text += character;
  }
  return text;
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  STRATA_ASSERT(cells.size() <= columns_.size());
  std::ranges::transform(cells, cells.begin(), visible);
  rows_.push_back(std::move(cells));
}

std::vector<int> Table::widths() const {
  std::vector<int> widths;
  for (size_t column = 0; column < columns_.size(); ++column) {
    size_t width = columns_of(columns_[column].title);
    for (const auto& row : rows_) {
      const bool reaches_over = column + 1 == row.size() && row.size() < columns_.size();
      if (column < row.size() && !reaches_over) width = std::max(width, columns_of(row[column]));
    }
    widths.push_back(static_cast<int>(width));
  }
  return widths;
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<int>& widths) const {
  std::vector<std::string> parts;
  for (size_t column = 0; column < cells.size(); ++column) {
    parts.push_back(padded(cells[column], columns_[column].align == Align::kLeft ? widths[column] : -widths[column]));
  }
  std::string text = join(parts, kGap);
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string Table::markdown() const {
  std::string titles = "|", rules = "|", rows;
  for (const Column& column : columns_) {
    titles += " " + escaped(column.title) + " |";
    rules += column.align == Align::kLeft ? " --- |" : " ---: |";
  }
  for (const auto& row : rows_) {
    rows += "|";
    for (size_t column = 0; column < columns_.size(); ++column) {
      rows += " " + (column < row.size() ? escaped(row[column]) : "") + " |";
    }
    rows += "\n";
  }
  return titles + "\n" + rules + "\n" + rows;
}

std::string Table::text(const std::string& indent) const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  const std::vector<int> widths = this->widths();
  std::string text;
  if (!std::ranges::all_of(titles, &std::string::empty)) text += indent + line(titles, widths) + "\n";
  for (const auto& row : rows_) text += indent + line(row, widths) + "\n";
  return text;
}

}  // namespace strata
