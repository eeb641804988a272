#include <simdjson.h>

#include "data/file_kind.h"
#include "document_file.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/data/source.h"
#include "strata/io/lines.h"

namespace strata::data {
namespace {

class TextDocument final : public DocumentFile {
 public:
  TextDocument(const std::filesystem::path& path, const ReadOptions& options)
      : lines_(path, options.longest_document), options_(options) {}

  bool next(std::string& text) override {
    if (lines_.line_number() > 0) return false;
    text.clear();
    std::string line;
    while (lines_.next(line)) {
      STRATA_CHECK(simdjson::validate_utf8(line), lines_.where(), ": not UTF-8");
      STRATA_CHECK(std::ssize(text) + std::ssize(line) <= options_.longest_document, lines_.where(),
                   ": the document is longer than ", options_.longest_document, " bytes (data.longest_document)");
      text.append(line);
      if (lines_.had_line_feed()) text.push_back('\n');
    }
    return lines_.line_number() > 0;
  }

 private:
  io::LineReader lines_;
  const ReadOptions& options_;
};

}  // namespace

ReadOptions read_options(const config::DataConfig& config) {
  return {.field = config.field, .skip_bad = config.skip_bad, .longest_document = config.longest_document};
}

std::string problem_of_text(std::string_view text, const ReadOptions& options) {
  if (std::ssize(text) > options.longest_document) {
    return str("the document is longer than ", options.longest_document, " bytes (data.longest_document)");
  }
  return simdjson::validate_utf8(text.data(), text.size()) ? "" : "not UTF-8";
}

std::string advice_about(std::vector<std::string> texts) {
  constexpr size_t kShown = 10;
  if (texts.empty()) return "";
  const bool are_more = texts.size() > kShown;
  if (are_more) texts.resize(kShown);
  for (std::string& text : texts) text = visible(text);
  return str("; texts are in ", join(texts, ", "), are_more ? ", ..." : "", " (data.field names the one to read)");
}

std::unique_ptr<DocumentFile> open_document_file(const std::filesystem::path& path, const ReadOptions& options,
                                                 int threads, BadRecords& bad) {
  switch (kind_of(path).value_or(FileKind::kJsonLines)) {
    case FileKind::kJsonLines:
      return open_json_lines(path, options, bad);
    case FileKind::kCsv:
      return open_csv(path, ',', options, bad);
    case FileKind::kTsv:
      return open_csv(path, '\t', options, bad);
    case FileKind::kParquet:
      return open_parquet(path, options, threads, bad);
    case FileKind::kTokens:
      throw Error(path.string() + ": holds ids, not text");
    case FileKind::kText:
      break;
  }
  return std::make_unique<TextDocument>(path, options);
}

DocumentReader::DocumentReader(Source source, ReadOptions options, int threads)
    : source_(std::move(source)),
      options_(std::move(options)),
      threads_(threads),
      bad_(source_.name, options_.skip_bad) {}

DocumentReader::~DocumentReader() = default;

bool DocumentReader::next(std::string& text) {
  while (file_ || next_file_ < source_.files.size()) {
    try {
      if (!file_) file_ = open_document_file(source_.files[next_file_++], options_, threads_, bad_);
      if (file_->next(text)) return true;
    } catch (const Error& error) {
      if (!options_.skip_bad) throw;
      bad_.add_rest(error.what());  // the file cannot be opened, or not be read any further
    }
    file_.reset();
  }
  return false;
}

}  // namespace strata::data
