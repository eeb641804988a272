#include "strata/io/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "strata/base/check.h"
#include "strata/io/file.h"

namespace strata::io {
namespace {

using nlohmann::json;

constexpr size_t kDeepest = 100;  // dump(), copies and comparisons take stack for every level

// Builds the value from the parser's events; the line of a fault is how far the stream has come. Not the parser's own
// builder: it takes the last of two equal keys, and with a callback, quadratic time for a list of objects.
class StrictReader final : public nlohmann::json_sax<json> {
 public:
  StrictReader(std::string_view text, std::string_view source)
      : text_(text), source_(source), stream_(std::string(text)) {}

  json read() {
    const size_t nul = text_.find('\0');  // for the parser, the end of the text
    STRATA_CHECK(nul == std::string_view::npos, at(nul), "a NUL byte");
    json::sax_parse(stream_, this);
    return std::move(root_);
  }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not in JSON
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    const auto [member, is_new] = open_.back()->emplace(key, nullptr);
    STRATA_CHECK(is_new, here(), "the key \"", key, "\" occurs twice");
    member_ = &*member;
    return true;
  }

  bool parse_error(size_t, const std::string&, const json::exception& failure) override {
    throw Error(str(here(), reason_of(failure)));
  }

 private:
  // Where a value goes that begins now.
  json& place() {
    if (open_.empty()) return root_;
    return open_.back()->is_array() ? open_.back()->emplace_back() : *member_;
  }

  bool add(json value) {
    place() = std::move(value);
    return true;
  }

  bool open(json container) {
    STRATA_CHECK(open_.size() < kDeepest, here(), "nested deeper than ", kDeepest, " levels");
    open_.push_back(&place());
    *open_.back() = std::move(container);
    return true;
  }

  bool close() {
    open_.pop_back();
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
  json root_;
  std::vector<json*> open_;  // lists and objects, each in the one before
  json* member_ = nullptr;   // of the last key
};

}  // namespace

// "[json.exception.parse_error.101] parse error at line 3, column 5: <reason>" -> "<reason>"
std::string reason_of(const std::exception& failure) {
  std::string text = failure.what();
  if (dynamic_cast<const json::exception*>(&failure) == nullptr) return text;
  const bool placed = dynamic_cast<const json::parse_error*>(&failure) != nullptr;
  const size_t mark = text.find(placed ? ": " : "] ");
  return mark == std::string::npos ? text : text.substr(mark + 2);
}

json parse_json(std::string_view text, std::string_view source) { return StrictReader(text, source).read(); }

json read_json(const std::filesystem::path& path) { return parse_json(read_text(path), path.string()); }

void write_json(const std::filesystem::path& path, const json& value) try {
  write_atomically(path, value.dump(2) + "\n");
} catch (const json::exception& failure) {
  throw Error(str("cannot write ", path.string(), ": ", reason_of(failure)));
}

}  // namespace strata::io
