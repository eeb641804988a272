#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/codec.h"
#include "strata/base/check.h"
#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

/// One line of a section's fields(), with the type hidden. Parsing, printing and help are functions over these.
struct Field {
  std::string key;
  std::string help;
  std::string type = {};                  // "integer, at least 1"
  Affects affects = {};                   // of a key
  std::vector<std::string> choices = {};  // of an enum
  std::vector<Field> children = {};       // of a section; then type, assign and value are empty

  /// Sets the value, or returns what is wrong with the node. key: with its sections.
  std::function<std::string(const Node&, const std::string& key)> assign = {};
  std::function<Node()> value = {};

  /// Of a section that may be `none`: what that does to it.
  std::function<void()> assign_none = {};

  bool is_section() const { return !assign; }
};

class FieldList;

template <class T>
concept Section = requires(T& section, FieldList& list) {
  section.fields(list);
};

/// The visitor that turns fields() into a list of Field. They point into the section: it must outlive them.
class FieldList {
 public:
  /// A key.
  template <class T, class... Checks>
  void operator()(const char* key, T& value, Affects affects, const char* help, const Checks&... checks) {
    Field field{.key = key, .help = help, .type = Codec<T>::type(), .affects = affects};
    ((field.type += ", " + checks.rule), ...);
    if constexpr (NamedEnum<T>) field.choices = Codec<T>::choices();
    field.value = [&value, checks...] { return word_of(value, checks...).value_or(Codec<T>::write(value)); };
    field.assign = [&value, checks...](const Node& node, const std::string& path) {
      return assign(value, node, path, checks...);
    };
    fields.push_back(std::move(field));
  }

  /// Keys below a key.
  template <Section T>
  void operator()(const char* key, T& section, const char* help) {
    FieldList inner;
    section.fields(inner);
    Field field{.key = key, .help = help, .children = std::move(inner.fields)};
    if constexpr (requires { section.none(); }) field.assign_none = [&section] { section.none(); };
    fields.push_back(std::move(field));
  }

  std::vector<Field> fields;

 private:
  static bool takes_word(int64_t& value, const Node& node, const Word& word) {
    if (node.kind != Node::Kind::kScalar || node.text != word.word) return false;
    value = word.value;
    return true;
  }
  static bool takes_word(auto&, const Node&, const auto&) { return false; }

  static void tell_word(std::optional<Node>& word, int64_t value, const Word& known) {
    if (value == known.value) word = scalar_node(known.word);
  }
  static void tell_word(std::optional<Node>&, const auto&, const auto&) {}

  static std::optional<Node> word_of(const auto& value, const auto&... checks) {
    std::optional<Node> word;
    (tell_word(word, value, checks), ...);
    return word;
  }

  static bool fits_float(double value) { return std::abs(value) <= std::numeric_limits<float>::max(); }
  static bool fits_float(const std::map<std::string, double>& values) {
    return std::ranges::all_of(values, [](const auto& value) { return fits_float(value.second); });
  }
  static bool fits_float(const auto&) { return true; }

  template <class T>
  static std::optional<T> read_node(const Node& node, const std::string& key) {
    if constexpr (requires { Codec<T>::read_below(node, key); }) {
      return Codec<T>::read_below(node, key);
    } else {
      return Codec<T>::read(node);
    }
  }

  template <class T, class... Checks>
  static std::string assign(T& value, const Node& node, const std::string& key, const Checks&... checks) {
    if ((takes_word(value, node, checks) || ...)) return {};
    auto read = read_node<T>(node, key);
    if (!read) return str("expected ", Codec<T>::type(), ", got ", show_briefly(node));
    if (!fits_float(*read)) return str("must be between -3.4e38 and 3.4e38, as a float is, got ", show_briefly(node));
    std::string rule;
    const bool fits = ((rule = checks.rule, checks.holds(*read)) && ...);  // stops at the first that does not hold
    if (!fits) return str("must be ", rule, ", got ", show_briefly(node));
    value = std::move(*read);
    return {};
  }
};

}  // namespace strata::config
