#include <simdjson.h>

#include "data/file_kind.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/data/source.h"

namespace strata::data {
namespace {

// Of an object that has more in it than JSON knows, such as NaN or a number of 30 digits, in fields that nobody reads:
// its text. Nothing where the object is broken.
std::optional<std::string> text_among_others(simdjson::ondemand::parser& parser, const std::string& line,
                                             std::string_view name) {
  const simdjson::padded_string padded(line);
  simdjson::ondemand::document document;
  simdjson::ondemand::object fields;
  if (parser.iterate(padded).get(document) || document.get_object().get(fields)) return std::nullopt;
  std::optional<std::string> text;
  for (auto field : fields) {
    std::string_view key, value;
    if (field.error() || field.unescaped_key().get(key)) return std::nullopt;
    if (key != name) continue;
    if (text || field.value().get_string().get(value)) return std::nullopt;
    text = value;
  }
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS ? text : std::nullopt;
}

// Which of an object's fields could be meant: for a message.
std::string names_of_texts(const simdjson::dom::object& fields) {
  std::vector<std::string> names;
  for (const auto& [key, value] : fields) {
    if (value.is_string()) names.emplace_back(key);
  }
  return names.empty() ? "" : str("; texts are in ", join(names, ", "), " (data.field names the one to read)");
}

// Puts the field `name` of a JSON object into `text`; says what is wrong where it cannot.
std::optional<std::string> parse_document(simdjson::dom::parser& parser, simdjson::ondemand::parser& lenient,
                                          const std::string& line, std::string_view name, std::string& text) {
  simdjson::dom::element document;
  if (const auto failure = parser.parse(line).get(document)) {
    auto found = text_among_others(lenient, line, name);
    if (!found) return str("broken JSON: ", simdjson::error_message(failure));
    text = std::move(*found);
    return std::nullopt;
  }
  simdjson::dom::object fields;
  if (document.get(fields)) return "not a JSON object";
  int64_t found = 0;
  for (const auto& [key, value] : fields) {
    std::string_view content;
    if (key != name) continue;
    if (value.get(content)) return str("the field \"", name, "\" is not a string");
    if (++found > 1) return str("the field \"", name, "\" is there twice");
    text = content;
  }
  if (found == 1) return std::nullopt;
  return str("the field \"", name, "\" is missing", names_of_texts(fields));
}

}  // namespace

ReadOptions read_options(const config::DataConfig& config) {
  return {.field = config.field, .skip_bad = config.skip_bad, .longest_document = config.longest_document};
}

struct DocumentReader::Parser {
  simdjson::dom::parser json;
  simdjson::ondemand::parser lenient;
};

DocumentReader::DocumentReader(Source source, ReadOptions options)
    : source_(std::move(source)),
      options_(std::move(options)),
      bad_(source_.name, options_.skip_bad),
      parser_(std::make_unique<Parser>()) {}

DocumentReader::~DocumentReader() = default;

bool DocumentReader::next(std::string& text) {
  while (lines_ || next_file_ < source_.files.size()) {
    try {
      if (!lines_) lines_.emplace(source_.files[next_file_++], options_.longest_document);
      if (kind_of(lines_->path()) == FileKind::kText ? next_text(text) : next_json(text)) return true;
    } catch (const Error& error) {
      if (!options_.skip_bad) throw;
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
    const auto problem = parse_document(parser_->json, parser_->lenient, line, options_.field, text);
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
    STRATA_CHECK(std::ssize(text) + std::ssize(line) <= options_.longest_document, lines_->where(),
                 ": the document is longer than ", options_.longest_document, " bytes (data.longest_document)");
    text.append(line);
    if (lines_->had_line_feed()) text.push_back('\n');
  }
  return lines_->line_number() > 0;
}

}  // namespace strata::data
