#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::data {

/// A value of a JSON file, which knows what it is called: what is wrong with it is one line, "file: name: reason".
class JsonPart {
 public:
  JsonPart(simdjson::dom::element value, const std::string& file, std::string name = {})
      : value_(value), file_(&file), name_(std::move(name)) {}

  /// "file: name", which begins messages.
  std::string place() const { return *file_ + ": " + name_; }

  /// Throws Error: "file: name: reason", or "file: name reason" where `reason` begins with a space.
  [[noreturn]] void refuse(const std::string& reason) const;

  /// A field of an object; nothing where it is missing or null.
  std::optional<JsonPart> find(const char* key) const;
  /// A field that has to be there.
  JsonPart at(const char* key) const;

  std::string_view text() const;
  int64_t number() const;
  /// Of a field; `otherwise` where it is missing.
  bool flag(const char* key, bool otherwise) const;
  /// Of the field "type".
  std::string_view type() const { return at("type").text(); }

  /// Of an array, called name[0], name[1], ...
  std::vector<JsonPart> items() const;
  /// The fields of an object in their order, one after another.
  void each_field(const std::function<void(std::string_view key, const JsonPart& value)>& take) const;

  bool is_text() const { return value_.is_string(); }
  /// Whether the field is there and is neither null, false, 0 nor "".
  bool is_set(const char* key) const;

 private:
  simdjson::dom::object object() const;

  simdjson::dom::element value_;
  const std::string* file_;
  std::string name_;
};

}  // namespace strata::data
