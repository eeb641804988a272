// Parquet: a row a document, its text in one column, which may lie in structs.
#include "document_file.h"
#include "strata/base/check.h"
#include "strata/io/parquet.h"

namespace strata::data {
namespace {

class ParquetDocuments final : public DocumentFile {
 public:
  ParquetDocuments(const std::filesystem::path& path, const ReadOptions& options, BadRecords& bad)
      : path_(path), texts_(io::open_parquet_texts(path, options.field)), options_(options), bad_(bad) {}

  bool next(std::string& text) override {
    while (const auto cell = texts_->next()) {
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
  std::filesystem::path path_;
  std::unique_ptr<io::ParquetTexts> texts_;
  const ReadOptions& options_;
  BadRecords& bad_;
};

}  // namespace

std::unique_ptr<DocumentFile> open_parquet(const std::filesystem::path& path, const ReadOptions& options,
                                           BadRecords& bad) {
  return std::make_unique<ParquetDocuments>(path, options, bad);
}

}  // namespace strata::data
