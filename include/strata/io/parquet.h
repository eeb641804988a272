#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::io {

/// The texts of one column of one row group, row by row.
class ParquetGroup {
 public:
  struct Cell {
    int64_t row = 0;  // of the file, from 1
    bool is_null = false;
    std::string_view text;  // valid until the next one; any bytes
  };

  virtual ~ParquetGroup() = default;

  /// Nothing at the end. Throws Error, naming the file and the row that was reached, for damage; there is nothing
  /// behind it.
  virtual std::optional<Cell> next() = 0;
};

/// One column of a parquet file.
class ParquetTexts {
 public:
  struct GroupSize {
    int64_t rows = 0;   // from 0
    int64_t bytes = 0;  // of the column, encoded, not compressed; from 0
  };

  virtual ~ParquetTexts() = default;

  /// The row groups, as the file's end says.
  virtual const std::vector<GroupSize>& groups() const = 0;
  /// Throws Error, naming the file and the row. Several threads may read a group each; what is given must go first.
  virtual std::unique_ptr<ParquetGroup> open_group(size_t number) = 0;
};

/// Why parquet files cannot be read; empty: they can. The module libstrata_parquet.so reads them.
std::string missing_for_parquet();

/// `column`: its name, or "meta.text" for one in a struct; a column whose own name is that wins.
/// Throws Error, naming the file: without the module, for a file that is no parquet file, for a column that is not
/// there, that is a list, and that holds anything but text.
std::unique_ptr<ParquetTexts> open_parquet_texts(const std::filesystem::path& path, const std::string& column);

/// `texts`, of which the next groups are read by `threads` threads before they are asked for, up to `bytes` of all of
/// them. Groups are to be opened in their order, by one thread.
std::unique_ptr<ParquetTexts> read_ahead(std::unique_ptr<ParquetTexts> texts, int threads, size_t bytes);

}  // namespace strata::io
