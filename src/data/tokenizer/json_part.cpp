#include "data/tokenizer/json_part.h"

#include "strata/base/check.h"

namespace strata::data {

void JsonPart::refuse(const std::string& reason) const {
  throw Error(str(*file_, ": ", name_, reason.starts_with(' ') || name_.empty() ? "" : ": ", reason));
}

simdjson::dom::object JsonPart::object() const {
  simdjson::dom::object fields;
  if (value_.get(fields)) refuse("is no JSON object");
  return fields;
}

std::optional<JsonPart> JsonPart::find(const char* key) const {
  simdjson::dom::element value;
  if (object()[key].get(value) || value.is_null()) return std::nullopt;
  return JsonPart(value, *file_, name_.empty() ? key : str(name_, ".", key));
}

JsonPart JsonPart::at(const char* key) const {
  auto part = find(key);
  if (!part) refuse(str(name_.empty() ? "" : " ", "has no \"", key, "\""));
  return *std::move(part);
}

std::string_view JsonPart::text() const {
  std::string_view text;
  if (value_.get(text)) refuse("is no string");
  return text;
}

int64_t JsonPart::number() const {
  int64_t number = 0;
  if (value_.get(number)) refuse("is no whole number");
  return number;
}

bool JsonPart::flag(const char* key, bool otherwise) const {
  const auto part = find(key);
  bool flag = otherwise;
  if (part && part->value_.get(flag)) part->refuse("is neither true nor false");
  return flag;
}

std::vector<JsonPart> JsonPart::items() const {
  simdjson::dom::array values;
  if (value_.get(values)) refuse("is no array");
  std::vector<JsonPart> items;
  items.reserve(values.size());
  for (const simdjson::dom::element value : values) {
    items.emplace_back(value, *file_, name_ + "[" + std::to_string(items.size()) + "]");
  }
  return items;
}

void JsonPart::each_field(const std::function<void(std::string_view, const JsonPart&)>& take) const {
  for (const auto& [key, value] : object()) {
    take(key, JsonPart(value, *file_, name_ + "." + std::string(key)));
  }
}

bool JsonPart::is_set(const char* key) const {
  const auto part = find(key);
  if (!part) return false;
  double number = 1.0;
  bool flag = true;
  std::string_view text = "?";
  if (!part->value_.get(number)) return number != 0.0;
  if (!part->value_.get(flag)) return flag;
  return part->value_.get(text) || !text.empty();
}

}  // namespace strata::data
