#include "strata/io/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "strata/base/check.h"
#include "strata/io/file.h"

namespace strata::io {
namespace {

constexpr int kDeepest = 100;  // dump(), copies and comparisons take stack for every level

// "[json.exception.parse_error.101] parse error at line 3, column 5: <reason>" -> "<reason>"
std::string reason(const nlohmann::json::exception& failure) {
  const std::string text = failure.what();
  const bool placed = dynamic_cast<const nlohmann::json::parse_error*>(&failure) != nullptr;
  const size_t mark = text.find(placed ? ": " : "] ");
  return mark == std::string::npos ? text : text.substr(mark + 2);
}

// Hears of every key as it is read; the line of a fault is how far the stream has come.
class StrictReader {
 public:
  StrictReader(std::string_view text, std::string_view source)
      : text_(text), source_(source), stream_(std::string(text)) {}

  nlohmann::json read() try {
    const size_t nul = text_.find('\0');  // for the parser, the end of the text
    STRATA_CHECK(nul == std::string_view::npos, at(nul), "a NUL byte");
    return nlohmann::json::parse(
        stream_, [this](int depth, Event event, nlohmann::json& parsed) { return heard(depth, event, parsed); });
  } catch (const nlohmann::json::exception& failure) {
    throw Error(str(here(), reason(failure)));
  }

 private:
  using Event = nlohmann::json::parse_event_t;

  bool heard(int depth, Event event, const nlohmann::json& parsed) {
    const bool goes_deeper = event == Event::object_start || event == Event::array_start;
    STRATA_CHECK(!goes_deeper || depth < kDeepest, here(), "nested deeper than ", kDeepest, " levels");
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      STRATA_CHECK(keys_.back().insert(key).second, here(), "the key \"", key, "\" occurs twice");
    }
    return true;
  }

  std::string here() {
    const std::streamoff read = stream_.rdbuf()->pubseekoff(0, std::ios::cur, std::ios::in);
    return at(read > 0 ? static_cast<size_t>(read) - 1 : 0);
  }

  std::string at(size_t position) const {
    const auto before = text_.substr(0, position);
    return str(source_, ":", 1 + std::count(before.begin(), before.end(), '\n'), ": ");
  }

  std::string_view text_;
  std::string_view source_;
  std::istringstream stream_;
  std::vector<std::set<std::string>> keys_;  // of each object that is open
};

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view source) { return StrictReader(text, source).read(); }

nlohmann::json read_json(const std::filesystem::path& path) { return parse_json(read_text(path), path.string()); }

void write_json(const std::filesystem::path& path, const nlohmann::json& value) try {
  write_atomically(path, value.dump(2) + "\n");
} catch (const nlohmann::json::exception& failure) {
  throw Error(str("cannot write ", path.string(), ": ", reason(failure)));
}

}  // namespace strata::io
