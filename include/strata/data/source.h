#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/config/data.h"
#include "strata/data/bad_records.h"
#include "strata/io/lines.h"

namespace strata::data {

class DocumentFile;

/// What becomes one token shard: a file of documents, or the text files that one pattern names; or what is one already.
struct Source {
  std::string name;  // for messages and for the shard's file name: the (first) file's name
  std::vector<std::filesystem::path> files;
  std::string url = {};  // where the one file is to be had; `files` is empty then

  /// Whether it is text files, of which each is a document.
  bool is_text() const;
  /// Whether it is a file of ids, read as it lies.
  bool holds_tokens() const;
};

/// The sources that `patterns` name, in their order, files in the order of their names.
///
/// A pattern is a path in which `*`, `?`, `[…]` and `~` mean what they do in a shell, `{00000..01023}` stands for
/// each number of a range (as wide as it is written), `**/` for any folders below, and a folder stands for every data
/// file in it and in the folders below, but for names that begin with a dot; files of other kinds are named in a
/// warning. So it is on Hugging Face's hub, hf://datasets/OWNER/NAME/PATTERN (io/hub.h); in other URLs only ranges mean
/// something.
///
/// Kinds: `.json`, `.jsonl` (one JSON object a line, its text in one field), `.txt` (one document a file), `.csv`,
/// `.tsv` (with a header, the text in one column), each also with `.gz`, `.zst` or `.zstd`; `.parquet`; `.bin`, ids as
/// llm.c and Megatron write them (with an `.idx` beside it, which may be named instead). Throws UsageError, naming
/// `key`
/// (`data.train`), for a pattern without a file and for files of another kind.
std::vector<Source> find_sources(const std::vector<std::string>& patterns, std::string_view key);

/// How documents are read from files.
struct ReadOptions {
  std::string field = "text";                           // or column, where the document is; "a.b": b inside a
  bool skip_bad = false;                                // counts what cannot be read, and goes on
  int64_t longest_document = io::LineReader::kLongest;  // bytes of a line, and of a document

  bool operator==(const ReadOptions&) const = default;
};

ReadOptions read_options(const config::DataConfig& config);

/// Tells data sets apart: URLs, and the files' names and sizes, in order; not their folders or times.
uint64_t fingerprint_of(const std::vector<Source>& sources);

/// The range `{00000..01023}` (or several) of a pattern written out; a pattern without one gives itself. Throws
/// UsageError for a range that ends before it begins, and for more than a million names.
std::vector<std::string> expand_ranges(const std::string& pattern);

/// A file as it is; a URL's file in the folder `cache`, downloaded unless it is there. Safe for several processes.
std::filesystem::path local_copy(const std::string& path_or_url, const std::filesystem::path& cache);

/// Streams the documents of one source of files.
///
/// A line that is no JSON object, lacks the field, is not UTF-8 or is too long, a row of CSV with a wrong quote or
/// number of fields, a row of parquet without a value, and a file that cannot be read any further throw Error
/// `path:line: what` (`path: row N: what`); with `skip_bad` they are counted, the first few are logged as warnings, and
/// reading goes on with the next line, row, row group or file.
class DocumentReader {
 public:
  /// threads: that may read a file ahead, which row groups of parquet are made for.
  DocumentReader(Source source, ReadOptions options, int threads = 1);
  ~DocumentReader();

  /// Puts the next document's text into `text`; false at the end.
  bool next(std::string& text);

  int64_t bad_documents() const { return bad_.count(); }

 private:
  Source source_;
  ReadOptions options_;
  int threads_;
  BadRecords bad_;
  size_t next_file_ = 0;
  std::unique_ptr<DocumentFile> file_;  // that is being read
};

}  // namespace strata::data
