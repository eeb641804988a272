#include <simdjson.h>

#include "data/file_kind.h"
#include "strata/base/check.h"
#include "strata/data/source.h"

namespace strata::data {
namespace {

// Of an object that has more in it than JSON knows, such as NaN or a number of 30 digits, in fields that nobody reads:
// its text. Nothing where the object is broken.
std::optional<std::string> text_among_others(simdjson::ondemand::parser& parser, const std::string& line) {
  const simdjson::padded_string padded(line);
  simdjson::ondemand::document document;
  simdjson::ondemand::object fields;
  if (parser.iterate(padded).get(document) || document.get_object().get(fields)) return std::nullopt;
  std::optional<std::string> text;
  for (auto field : fields) {
    std::string_view key, value;
    if (field.error() || field.unescaped_key().get(key)) return std::nullopt;
    if (key != "text") continue;
    if (text || field.value().get_string().get(value)) return std::nullopt;
    text = value;
  }
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS ? text : std::nullopt;
}

// Puts the field `text` of a JSON object into `text`; says what is wrong where it cannot.
std::optional<std::string> parse_document(simdjson::dom::parser& parser, simdjson::ondemand::parser& lenient,
                                          const std::string& line, std::string& text) {
  simdjson::dom::element document;
  if (const auto failure = parser.parse(line).get(document)) {
    auto found = text_among_others(lenient, line);
    if (!found) return str("broken JSON: ", simdjson::error_message(failure));
    text = std::move(*found);
    return std::nullopt;
  }
  simdjson::dom::object fields;
  if (document.get(fields)) return "not a JSON object";
  int64_t found = 0;
  for (const auto& [key, value] : fields) {
    std::string_view content;
    if (key != "text") continue;
    if (value.get(content)) return "the field \"text\" is not a string";
    if (++found > 1) return "the field \"text\" is there twice";
    text = content;
  }
  return found == 1 ? std::nullopt : std::optional<std::string>("the field \"text\" is missing");
}

}  // namespace

struct DocumentReader::Parser {
  simdjson::dom::parser json;
  simdjson::ondemand::parser lenient;
};

DocumentReader::DocumentReader(Source source, bool skip_bad)
    : source_(std::move(source)),
      skip_bad_(skip_bad),
      bad_(source_.name, skip_bad),
      parser_(std::make_unique<Parser>()) {}

DocumentReader::~DocumentReader() = default;

bool DocumentReader::next(std::string& text) {
  while (lines_ || next_file_ < source_.files.size()) {
    try {
      if (!lines_) lines_.emplace(source_.files[next_file_++]);
      if (kind_of(lines_->path()) == FileKind::kText ? next_text(text) : next_json(text)) return true;
    } catch (const Error& error) {
      if (!skip_bad_) throw;
      bad_.add(error.what());  // the file cannot be opened, or not be decompressed any further
    }
    lines_.reset();
  }
  return false;
}

bool DocumentReader::next_json(std::string& text) {
  std::string line;
  while (lines_->next(line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto problem = parse_document(parser_->json, parser_->lenient, line, text);
    if (!problem) return true;
    bad_.add(lines_->where() + ": " + *problem);
  }
  return false;
}

bool DocumentReader::next_text(std::string& text) {
  if (lines_->line_number() > 0) return false;
  text.clear();
  std::string line;
  while (lines_->next(line)) {
    STRATA_CHECK(simdjson::validate_utf8(line), lines_->where(), ": not UTF-8");
    STRATA_CHECK(text.size() + line.size() <= io::kLongestLine, lines_->where(), ": the document is longer than ",
                 io::kLongestLine >> 20, " MiB");
    text.append(line).push_back('\n');
  }
  return lines_->line_number() > 0;
}

}  // namespace strata::data
