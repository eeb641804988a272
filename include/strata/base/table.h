#pragma once

#include <string>
#include <vector>

namespace strata {

/// Text in columns that line up, for people.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// At most as many cells as there are columns. The last cell of a shorter row may reach over the columns behind it.
  void add(std::vector<std::string> cells);

  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }

  /// One line per row, each behind `indent`, the titles first unless all are empty. No spaces at the ends of lines.
  std::string text(const std::string& indent = "") const;

  /// The same as a table in Markdown, whose cells may hold bars.
  std::string markdown() const;

 private:
  std::vector<int> widths() const;
  std::string line(const std::vector<std::string>& cells, const std::vector<int>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace strata
