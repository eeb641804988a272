// libstrata_parquet.so: one column of a parquet file by Arrow's library. Its names are seen by nobody who includes
// strata/io/parquet.h.
#include <arrow/io/file.h>
#include <parquet/column_reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/schema.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <vector>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/io/parquet.h"

namespace strata::io {
namespace {

namespace fs = std::filesystem;

// What Arrow says, without where in its sources.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Gives what `work` gives; `place`: begins the message of an Error, where Arrow throws anything.
template <class Work>
auto checked(const std::string& place, const Work& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& failure) {
    throw Error(str(place, ": ", first_line(failure.what())));
  }
}

bool is_text(const parquet::ColumnDescriptor& column) {
  if (column.physical_type() != parquet::Type::BYTE_ARRAY) return false;
  switch (column.logical_type()->type()) {
    case parquet::LogicalType::Type::STRING:
    case parquet::LogicalType::Type::JSON:
    case parquet::LogicalType::Type::ENUM:
    case parquet::LogicalType::Type::NONE:  // bytes, as writers put text that knew no better
      return true;
    default:
      return false;
  }
}

std::string type_of(const parquet::ColumnDescriptor& column) {
  if (column.max_repetition_level() > 0) return "a list";
  const parquet::LogicalType& logical = *column.logical_type();
  return logical.is_none() ? parquet::TypeToString(column.physical_type()) : logical.ToString();
}

class ColumnChoice {
 public:
  ColumnChoice(const parquet::SchemaDescriptor& schema, const std::string& name) : schema_(schema), name_(name) {}

  /// Its number; `path`: of the file.
  int number(const std::string& path) const {
    std::vector<int> found;
    for (int i = 0; i < schema_.num_columns(); ++i) {
      if (schema_.Column(i)->path()->ToDotString() == name_) found.push_back(i);
    }
    STRATA_CHECK(!found.empty(), path, ": ", problem());
    // A column that is called "a.b" comes before b in the struct a.
    const int best = *std::ranges::min_element(found, {}, [&](int i) { return parts_of(i); });
    STRATA_CHECK(std::ranges::count(found, parts_of(best), [&](int i) { return parts_of(i); }) == 1, path,
                 ": the column \"", name_, "\" is there twice");
    const parquet::ColumnDescriptor& column = *schema_.Column(best);
    STRATA_CHECK(column.max_repetition_level() == 0 && is_text(column), path, ": the column \"", name_, "\" is ",
                 type_of(column), ", not text", advice());
    return best;
  }

 private:
  size_t parts_of(int i) const { return schema_.Column(i)->path()->ToDotVector().size(); }

  std::string problem() const {
    for (int i = 0; i < schema_.num_columns(); ++i) {
      const parquet::ColumnDescriptor& column = *schema_.Column(i);
      if (!column.path()->ToDotString().starts_with(name_ + ".")) continue;
      return str("the column \"", name_, "\" is ", column.max_repetition_level() > 0 ? "a list" : "a struct",
                 ", not text", advice());
    }
    return str("has no column \"", name_, "\"", advice());
  }

  // Which columns could be meant.
  std::string advice() const {
    constexpr size_t kShown = 10;
    std::vector<std::string> names;
    for (int i = 0; i < schema_.num_columns() && names.size() <= kShown; ++i) {
      const parquet::ColumnDescriptor& column = *schema_.Column(i);
      if (column.max_repetition_level() == 0 && is_text(column)) names.push_back(column.path()->ToDotString());
    }
    if (names.size() > kShown) names[kShown] = "...";
    return names.empty() ? "" : str("; texts are in ", join(names, ", "), " (data.field names the one to read)");
  }

  const parquet::SchemaDescriptor& schema_;
  const std::string& name_;
};

class Group final : public ParquetGroup {
 public:
  /// row: the group's first; most_defined: the level of a value, below which there is none.
  Group(std::string path, const std::shared_ptr<parquet::RowGroupReader>& group, int column, int64_t row,
        int16_t most_defined)
      : path_(std::move(path)), most_defined_(most_defined), row_(row), rows_left_(group->metadata()->num_rows()) {
    column_ = group->Column(column);
    values_of_column_ = dynamic_cast<parquet::ByteArrayReader*>(column_.get());
    STRATA_CHECK(values_of_column_ != nullptr, place(), ": its column is of another type than the file's");
  }

  std::optional<Cell> next() override {
    if (at_ == levels_read_ && !checked(place(), [&] { return read_batch(); })) return std::nullopt;
    const auto level = static_cast<size_t>(at_++);
    const int64_t row = row_++;
    if (most_defined_ > 0 && levels_[level] < most_defined_) return Cell{.row = row, .is_null = true, .text = {}};
    const parquet::ByteArray& value = values_[static_cast<size_t>(value_++)];
    return Cell{.row = row, .text = {reinterpret_cast<const char*>(value.ptr), value.len}};
  }

 private:
  static constexpr int64_t kBatch = 256;  // rows

  std::string place() const { return str(path_, ": row ", row_); }

  // False at the end.
  bool read_batch() {
    at_ = levels_read_ = value_ = 0;
    if (!values_of_column_->HasNext()) {
      STRATA_CHECK(rows_left_ == 0, place(), ": its row group has ", rows_left_, " rows more than values");
      return false;
    }
    int64_t values_read = 0;
    levels_read_ = values_of_column_->ReadBatch(kBatch, levels_.data(), nullptr, values_.data(), &values_read);
    const auto defined =
        most_defined_ == 0 ? levels_read_ : std::count(levels_.begin(), levels_.begin() + levels_read_, most_defined_);
    STRATA_CHECK(levels_read_ > 0 && levels_read_ <= rows_left_ && values_read == defined, place(),
                 ": its page contradicts itself");
    rows_left_ -= levels_read_;
    return true;
  }

  std::string path_;
  int16_t most_defined_;
  int64_t row_;        // the one that comes next
  int64_t rows_left_;  // behind the batch
  std::shared_ptr<parquet::ColumnReader> column_;
  parquet::ByteArrayReader* values_of_column_ = nullptr;
  std::vector<int16_t> levels_ = std::vector<int16_t>(kBatch);
  std::vector<parquet::ByteArray> values_ = std::vector<parquet::ByteArray>(kBatch);
  int64_t levels_read_ = 0;
  int64_t at_ = 0;     // in levels_
  int64_t value_ = 0;  // in values_
};

class Texts final : public ParquetTexts {
 public:
  Texts(const fs::path& path, const std::string& column) : path_(path.string()) {
    checked(path_, [&] {
      parquet::ReaderProperties properties = parquet::default_reader_properties();
      properties.set_page_checksum_verification(true);
      PARQUET_ASSIGN_OR_THROW(const auto file, arrow::io::MemoryMappedFile::Open(path_, arrow::io::FileMode::READ));
      reader_ = parquet::ParquetFileReader::Open(file, properties);
      column_ = ColumnChoice(*reader_->metadata()->schema(), column).number(path_);
      most_defined_ = reader_->metadata()->schema()->Column(column_)->max_definition_level();
      measure_groups();
    });
  }

  const std::vector<GroupSize>& groups() const override { return groups_; }

  std::unique_ptr<ParquetGroup> open_group(size_t number) override {
    const int64_t row = first_rows_[number];
    return checked(str(path_, ": row ", row), [&] {
      return std::make_unique<Group>(path_, reader_->RowGroup(static_cast<int>(number)), column_, row, most_defined_);
    });
  }

 private:
  void measure_groups() {
    int64_t row = 1;
    for (int group = 0; group < reader_->metadata()->num_row_groups(); ++group) {
      const int64_t rows = reader_->metadata()->RowGroup(group)->num_rows();
      STRATA_CHECK(0 <= rows && rows <= std::numeric_limits<int64_t>::max() - row, path_, ": row group ", group + 1,
                   " of ", rows, " rows");
      const int64_t bytes = reader_->metadata()->RowGroup(group)->ColumnChunk(column_)->total_uncompressed_size();
      groups_.push_back({.rows = rows, .bytes = std::max<int64_t>(0, bytes)});
      first_rows_.push_back(row);
      row += rows;
    }
  }

  std::string path_;
  std::unique_ptr<parquet::ParquetFileReader> reader_;
  int column_ = 0;
  int16_t most_defined_ = 0;
  std::vector<GroupSize> groups_;
  std::vector<int64_t> first_rows_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) ParquetTexts* strata_open_parquet(const fs::path& path,
                                                                                    const std::string& column) {
  return std::make_unique<Texts>(path, column).release();
}

}  // namespace strata::io
