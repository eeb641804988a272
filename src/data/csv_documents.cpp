// CSV and TSV with a header: a row a document, its text in one column.
#include <algorithm>

#include "document_file.h"
#include "strata/base/check.h"
#include "strata/io/csv.h"

namespace strata::data {
namespace {

class CsvDocuments final : public DocumentFile {
 public:
  CsvDocuments(const std::filesystem::path& path, char separator, const ReadOptions& options, BadRecords& bad)
      : rows_(path, separator, options.longest_document), options_(options), bad_(bad) {
    read_header();
  }

  bool next(std::string& text) override {
    std::string problem;
    while (rows_.next(row_, problem)) {
      if (problem.empty()) problem = take(text);
      if (problem.empty()) return true;
      bad_.add(str(rows_.path().string(), ":", row_.line, ": ", problem));
    }
    return false;
  }

 private:
  void read_header() {
    std::string problem;
    const std::string path = rows_.path().string();
    STRATA_CHECK(rows_.next(row_, problem), path, ": is empty, and has no header");
    STRATA_CHECK(problem.empty(), path, ":", row_.line, ": ", problem);
    const auto found = std::ranges::find(row_.fields, options_.field);
    STRATA_CHECK(found != row_.fields.end(), path, ":", row_.line, ": the header has no column \"", options_.field,
                 "\"", advice_about(row_.fields));
    STRATA_CHECK(std::ranges::count(row_.fields, options_.field) == 1, path, ":", row_.line,
                 ": the header has the column \"", options_.field, "\" twice");
    column_ = static_cast<size_t>(found - row_.fields.begin());
    columns_ = row_.fields.size();
  }

  std::string take(std::string& text) {
    if (row_.fields.size() != columns_) {
      return str("has ", row_.fields.size(), row_.fields.size() == 1 ? " field" : " fields", "; the header has ",
                 columns_);
    }
    text = std::move(row_.fields[column_]);
    return problem_of_text(text, options_);
  }

  io::CsvReader rows_;
  const ReadOptions& options_;
  BadRecords& bad_;
  io::CsvRow row_;
  size_t column_ = 0;
  size_t columns_ = 0;
};

}  // namespace

std::unique_ptr<DocumentFile> open_csv(const std::filesystem::path& path, char separator, const ReadOptions& options,
                                       BadRecords& bad) {
  return std::make_unique<CsvDocuments>(path, separator, options, bad);
}

}  // namespace strata::data
