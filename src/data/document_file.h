#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "strata/data/bad_records.h"
#include "strata/data/source.h"

namespace strata::data {

/// The documents of one file.
class DocumentFile {
 public:
  virtual ~DocumentFile() = default;

  /// Puts the next document's text into `text`; false at the end. A bad document goes to the BadRecords that the file
  /// was opened with; Error is thrown where the file cannot be read any further.
  virtual bool next(std::string& text) = 0;
};

/// Of a file of any kind; `threads` may read parts of it at a time. Both references must outlive what is given. Throws
/// Error where the file cannot be read.
std::unique_ptr<DocumentFile> open_document_file(const std::filesystem::path& path, const ReadOptions& options,
                                                 int threads, BadRecords& bad);

std::unique_ptr<DocumentFile> open_json_lines(const std::filesystem::path& path, const ReadOptions& options,
                                              BadRecords& bad);
std::unique_ptr<DocumentFile> open_csv(const std::filesystem::path& path, char separator, const ReadOptions& options,
                                       BadRecords& bad);
std::unique_ptr<DocumentFile> open_parquet(const std::filesystem::path& path, const ReadOptions& options, int threads,
                                           BadRecords& bad);

/// What is wrong with a text that is to be a document; empty: nothing.
std::string problem_of_text(std::string_view text, const ReadOptions& options);

/// For a message about a field that is not there: which could be meant.
std::string advice_about(std::vector<std::string> texts);

}  // namespace strata::data
