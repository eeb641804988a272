#include <simdjson.h>

#include "data/file_kind.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/data/source.h"

namespace strata::data {
namespace {

constexpr int64_t kLoggedBadDocuments = 5;

// Puts the field `text` of a JSON object into `text`; says what is wrong where it cannot.
std::optional<std::string> parse_document(simdjson::dom::parser& parser, const std::string& line, std::string& text) {
  simdjson::dom::element document;
  if (const auto failure = parser.parse(line).get(document)) {
    return str("broken JSON: ", simdjson::error_message(failure));
  }
  if (!document.is_object()) return "not a JSON object";
  std::string_view value;
  const auto failure = document["text"].get_string().get(value);
  if (failure == simdjson::NO_SUCH_FIELD) return "the field \"text\" is missing";
  if (failure) return "the field \"text\" is not a string";
  text = value;
  return std::nullopt;
}

}  // namespace

struct DocumentReader::Parser {
  simdjson::dom::parser json;
};

DocumentReader::DocumentReader(Source source, bool skip_bad)
    : source_(std::move(source)), skip_bad_(skip_bad), parser_(std::make_unique<Parser>()) {}

DocumentReader::~DocumentReader() = default;

bool DocumentReader::next(std::string& text) {
  while (lines_ || next_file_ < source_.files.size()) {
    try {
      if (!lines_) lines_.emplace(source_.files[next_file_++]);
      if (kind_of(lines_->path()) == FileKind::kText ? next_text(text) : next_json(text)) return true;
    } catch (const Error& error) {
      if (!skip_bad_) throw;
      refuse(error.what());  // the file cannot be opened, or not be decompressed any further
    }
    lines_.reset();
  }
  return false;
}

bool DocumentReader::next_json(std::string& text) {
  std::string line;
  while (lines_->next(line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto problem = parse_document(parser_->json, line, text);
    if (!problem) return true;
    refuse(lines_->where() + ": " + *problem);
  }
  return false;
}

bool DocumentReader::next_text(std::string& text) {
  if (lines_->line_number() > 0) return false;
  text.clear();
  std::string line;
  while (lines_->next(line)) {
    STRATA_CHECK(simdjson::validate_utf8(line), lines_->where(), ": not UTF-8");
    text.append(line).push_back('\n');
  }
  return lines_->line_number() > 0;
}

void DocumentReader::refuse(const std::string& what) {
  STRATA_CHECK(skip_bad_, what, " (data.skip_bad: true skips what cannot be read)");
  ++bad_;
  if (bad_ <= kLoggedBadDocuments) log::warn(what + "; skipped");
  if (bad_ == kLoggedBadDocuments) log::warn(source_.name + ": further bad documents are only counted");
}

}  // namespace strata::data
