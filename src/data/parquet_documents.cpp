// Parquet: a row a document, its text in one column, which may lie in structs.
#include <algorithm>

#include "document_file.h"
#include "strata/base/check.h"
#include "strata/io/parquet.h"

namespace strata::data {
namespace {

class ParquetDocuments final : public DocumentFile {
 public:
  ParquetDocuments(const std::filesystem::path& path, const ReadOptions& options, int threads, BadRecords& bad)
      : path_(path), texts_(io::open_parquet_texts(path, options.field)), options_(options), bad_(bad) {
    constexpr size_t kMost = 8;                  // threads; one reads as fast as 30 tokenize
    constexpr size_t kAhead = size_t{64} << 20;  // bytes for each, as far as four of them
    const size_t readers = std::min({static_cast<size_t>(threads), texts_->groups().size(), kMost});
    if (readers < 2) return;
    texts_ = io::read_ahead(std::move(texts_), static_cast<int>(readers), kAhead * std::min(readers, size_t{4}));
  }

  bool next(std::string& text) override {
    while (const auto cell = next_cell()) {
      const std::string problem = cell->is_null ? str("the column \"", options_.field, "\" has no value")
                                                : problem_of_text(cell->text, options_);
      if (problem.empty()) {
        text = cell->text;
        return true;
      }
      bad_.add(str(path_.string(), ": row ", cell->row, ": ", problem));
    }
    return false;
  }

 private:
  // Where bad records are skipped, the group behind a damaged one comes next.
  std::optional<io::ParquetGroup::Cell> next_cell() {
    while (group_ || next_group_ < texts_->groups().size()) {
      try {
        if (!group_) {
          rows_left_ = texts_->groups()[next_group_].rows;
          group_ = texts_->open_group(next_group_++);
        }
        const auto cell = group_->next();
        --rows_left_;
        if (cell) return cell;
      } catch (const Error& error) {
        if (!options_.skip_bad) throw;
        bad_.add_rest(error.what(), "row group", rows_left_);
      }
      group_.reset();
    }
    return std::nullopt;
  }

  std::filesystem::path path_;
  std::unique_ptr<io::ParquetTexts> texts_;
  const ReadOptions& options_;
  BadRecords& bad_;
  size_t next_group_ = 0;
  std::unique_ptr<io::ParquetGroup> group_;  // that is being read
  int64_t rows_left_ = 0;                    // of it
};

}  // namespace

std::unique_ptr<DocumentFile> open_parquet(const std::filesystem::path& path, const ReadOptions& options, int threads,
                                           BadRecords& bad) {
  return std::make_unique<ParquetDocuments>(path, options, threads, bad);
}

}  // namespace strata::data
