#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace strata::io {

/// The texts of one column of a parquet file, row by row.
class ParquetTexts {
 public:
  struct Cell {
    int64_t row = 0;  // from 1
    bool is_null = false;
    std::string_view text;  // valid until the next one; any bytes
  };

  virtual ~ParquetTexts() = default;

  /// Nothing at the end. Throws Error, naming the file and the row that was reached, for damage.
  virtual std::optional<Cell> next() = 0;
};

/// Why parquet files cannot be read; empty: they can. The module libstrata_parquet.so reads them.
std::string missing_for_parquet();

/// `column`: its name, or "meta.text" for one in a struct; a column whose own name is that wins.
/// Throws Error, naming the file: without the module, for a file that is no parquet file, for a column that is not
/// there, that is a list, and that holds anything but text.
std::unique_ptr<ParquetTexts> open_parquet_texts(const std::filesystem::path& path, const std::string& column);

}  // namespace strata::io
