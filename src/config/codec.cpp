#include "config/codec.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace strata::config {
namespace {

bool is_plain(const Node& node) { return node.kind == Node::Kind::kScalar && !node.quoted; }

template <class Number>
std::optional<Number> read_number(const Node& node) {
  if (!is_plain(node)) return std::nullopt;
  std::string_view text = node.text;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The shortest text that reads back as the same number.
template <class Number>
Node write_number(Number value) {
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return scalar_node(std::string(buffer.data(), result.ptr));
}

}  // namespace

std::optional<bool> Codec<bool>::read(const Node& node) {
  if (is_plain(node) && node.text == "true") return true;
  if (is_plain(node) && node.text == "false") return false;
  return std::nullopt;
}

Node Codec<bool>::write(bool value) { return scalar_node(value ? "true" : "false"); }

std::optional<int64_t> Codec<int64_t>::read(const Node& node) { return read_number<int64_t>(node); }

Node Codec<int64_t>::write(int64_t value) { return write_number(value); }

std::optional<double> Codec<double>::read(const Node& node) {
  const auto value = read_number<double>(node);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

Node Codec<double>::write(double value) { return write_number(value); }

std::optional<std::string> Codec<std::string>::read(const Node& node) {
  if (node.kind != Node::Kind::kScalar) return std::nullopt;
  const char* home = node.text.starts_with("~/") ? std::getenv("HOME") : nullptr;
  return home == nullptr ? node.text : home + node.text.substr(1);
}

Node Codec<std::string>::write(const std::string& value) {
  const Node plain = scalar_node(value);
  const bool looks_otherwise = Codec<bool>::read(plain) || Codec<double>::read(plain);
  return scalar_node(value, looks_otherwise);
}

std::optional<std::vector<std::string>> Codec<std::vector<std::string>>::read(const Node& node) {
  if (const auto one = Codec<std::string>::read(node)) return std::vector{*one};
  if (node.kind != Node::Kind::kList) return std::nullopt;
  std::vector<std::string> values;
  for (const Node& item : node.items) {
    auto value = Codec<std::string>::read(item);
    if (!value) return std::nullopt;
    values.push_back(std::move(*value));
  }
  return values;
}

Node Codec<std::vector<std::string>>::write(const std::vector<std::string>& value) {
  Node list{.kind = Node::Kind::kList};
  for (const std::string& text : value) list.items.push_back(Codec<std::string>::write(text));
  return list;
}

std::optional<std::map<std::string, double>> Codec<std::map<std::string, double>>::read(const Node& node) {
  std::map<std::string, double> values;
  if (node.kind == Node::Kind::kNull) return values;
  if (node.kind != Node::Kind::kMap) return std::nullopt;
  for (const auto& [key, item] : node.entries) {
    const auto value = Codec<double>::read(item);
    if (!value) return std::nullopt;
    values[key] = *value;
  }
  return values;
}

Node Codec<std::map<std::string, double>>::write(const std::map<std::string, double>& value) {
  Node map{.kind = Node::Kind::kMap};
  for (const auto& [key, number] : value) map.entries.emplace_back(key, Codec<double>::write(number));
  return map;
}

}  // namespace strata::config
