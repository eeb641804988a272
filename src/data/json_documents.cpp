// JSON lines: an object a line, its text in one field, which may lie in objects inside it.
#include <simdjson.h>

#include <optional>

#include "document_file.h"
#include "strata/base/check.h"
#include "strata/io/lines.h"

namespace strata::data {
namespace {

// Whether `key` begins the path "meta.text": "meta", or all of it.
bool begins_path(std::string_view path, std::string_view key) {
  return path.starts_with(key) && (path.size() == key.size() || path[key.size()] == '.');
}

std::string_view behind(std::string_view path, std::string_view key) {
  return path.size() == key.size() ? std::string_view() : path.substr(key.size() + 1);
}

// The text that lies at `path`, of an object that has more in it than JSON knows, such as NaN or a number of 30 digits,
// in fields that nobody reads. Of keys that begin the path the longest counts. False where the object is broken.
bool find_among_others(simdjson::ondemand::object fields, std::string_view path, std::optional<std::string>& text) {
  size_t longest = 0;
  for (auto field : fields) {
    std::string_view key, value;
    if (field.error() || field.unescaped_key().get(key)) return false;
    if (!begins_path(path, key) || key.size() < longest) continue;
    if (key.size() == longest && text) return false;
    longest = key.size();
    text.reset();
    if (key.size() == path.size()) {
      if (field.value().get_string().get(value)) return false;
      text = value;
      continue;
    }
    const std::string rest(behind(path, key));  // the key lies where the next is put
    simdjson::ondemand::object inner;
    if (field.value().get_object().get(inner) || !find_among_others(inner, rest, text)) return false;
  }
  return true;
}

std::optional<std::string> text_among_others(simdjson::ondemand::parser& parser, const std::string& line,
                                             std::string_view path) {
  const simdjson::padded_string padded(line);
  simdjson::ondemand::document document;
  simdjson::ondemand::object fields;
  if (parser.iterate(padded).get(document) || document.get_object().get(fields)) return std::nullopt;
  std::optional<std::string> text;
  if (!find_among_others(fields, path, text)) return std::nullopt;
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS ? text : std::nullopt;
}

void add_names_of_texts(const simdjson::dom::object& fields, const std::string& above,
                        std::vector<std::string>& names) {
  for (const auto& [key, value] : fields) {
    simdjson::dom::object inner;
    if (value.is_string()) names.push_back(above + std::string(key));
    if (!value.get(inner)) add_names_of_texts(inner, above + std::string(key) + ".", names);
  }
}

class JsonDocuments final : public DocumentFile {
 public:
  JsonDocuments(const std::filesystem::path& path, const ReadOptions& options, BadRecords& bad)
      : lines_(path, options.longest_document), options_(options), bad_(bad) {}

  bool next(std::string& text) override {
    while (next_line()) {
      if (line_.find_first_not_of(" \t\r") == std::string::npos) continue;
      const auto problem = parse(text);
      if (!problem) return true;
      bad_.add(lines_.where() + ": " + *problem);
    }
    return false;
  }

 private:
  bool next_line() {
    for (;;) {
      try {
        return lines_.next(line_);
      } catch (const io::LineTooLong& error) {
        bad_.add(error.what());
      }
    }
  }

  // Puts the field of the line's object into `text`; says what is wrong where it cannot.
  std::optional<std::string> parse(std::string& text) {
    simdjson::dom::element document;
    if (const auto failure = json_.parse(line_).get(document)) {
      auto found = text_among_others(lenient_, line_, options_.field);
      if (!found) return str("broken JSON: ", simdjson::error_message(failure));
      text = std::move(*found);
      return std::nullopt;
    }
    simdjson::dom::object fields;
    if (document.get(fields)) return "not a JSON object";
    simdjson::dom::element value;
    for (std::string_view path = options_.field;;) {
      std::string_view taken;
      if (auto problem = find(fields, path, taken, value)) return problem;
      path = behind(path, taken);
      if (path.empty()) break;
      if (value.get(fields)) {
        return str("the field ", name(options_.field.size() - path.size() - 1), " is no object with \"", path,
                   "\" in it");
      }
    }
    std::string_view content;
    if (value.get(content)) return str("the field ", name(options_.field.size()), " is not a string");
    text = content;
    return std::nullopt;
  }

  // The value of the longest key that begins `path`, which is what is left of the whole.
  std::optional<std::string> find(const simdjson::dom::object& fields, std::string_view path, std::string_view& taken,
                                  simdjson::dom::element& found) const {
    int64_t count = 0;
    for (const auto& [key, value] : fields) {
      if (!begins_path(path, key) || (count > 0 && key.size() < taken.size())) continue;
      count = key.size() == taken.size() ? count + 1 : 1;
      taken = path.substr(0, key.size());
      found = value;
    }
    const size_t before = options_.field.size() - path.size();
    if (count > 1) return str("the field ", name(before + taken.size()), " is there twice");
    if (count == 1) return std::nullopt;
    std::vector<std::string> names;
    add_names_of_texts(fields, options_.field.substr(0, before), names);
    return str("the field ", name(options_.field.size()), " is missing", advice_about(names));
  }

  std::string name(size_t size) const { return "\"" + options_.field.substr(0, size) + "\""; }

  io::LineReader lines_;
  const ReadOptions& options_;
  BadRecords& bad_;
  std::string line_;
  simdjson::dom::parser json_;
  simdjson::ondemand::parser lenient_;
};

}  // namespace

std::unique_ptr<DocumentFile> open_json_lines(const std::filesystem::path& path, const ReadOptions& options,
                                              BadRecords& bad) {
  return std::make_unique<JsonDocuments>(path, options, bad);
}

}  // namespace strata::data
