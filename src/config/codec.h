#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/node.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/config/train_files.h"

namespace strata::config {

/// How values of type T stand in YAML. type(): as help and errors name it. read(): nothing if the node is no T.
/// read(write(value)) gives back the value. A type that holds keys of its own has read_below(node, key) instead, which
/// throws UsageError that begins with the place of what is wrong.
template <class T>
struct Codec;

template <>
struct Codec<bool> {
  static std::string type() { return "true or false"; }
  static std::optional<bool> read(const Node& node);
  static Node write(bool value);
};

template <>
struct Codec<int64_t> {
  static std::string type() { return "integer"; }
  static std::optional<int64_t> read(const Node& node);
  static Node write(int64_t value);
};

/// Finite numbers only.
template <>
struct Codec<double> {
  static std::string type() { return "number"; }
  static std::optional<double> read(const Node& node);
  static Node write(double value);
};

/// Any scalar, as it was written, but that a leading ~/ is the home folder.
template <>
struct Codec<std::string> {
  static std::string type() { return "text"; }
  static std::optional<std::string> read(const Node& node);
  static Node write(const std::string& value);
};

/// One text stands for a list of it.
template <>
struct Codec<std::vector<std::string>> {
  static std::string type() { return "list of texts"; }
  static std::optional<std::vector<std::string>> read(const Node& node);
  static Node write(const std::vector<std::string>& value);
};

/// Nothing written means an empty map.
template <>
struct Codec<std::map<std::string, double>> {
  static std::string type() { return "map from names to numbers"; }
  static std::optional<std::map<std::string, double>> read(const Node& node);
  static Node write(const std::map<std::string, double>& value);
};

/// A list of texts, or a list of maps with the keys of WeightedFiles; written in the form that it has.
template <>
struct Codec<TrainFiles> {
  static std::string type() { return "list of texts, or of sources {files: [...], weight: 1}"; }
  static TrainFiles read_below(const Node& node, const std::string& key);
  static Node write(const TrainFiles& value);
};

template <NamedEnum E>
struct Codec<E> {
  static std::vector<std::string> choices() {
    const auto names = enum_names(E{});
    return {names.begin(), names.end()};
  }

  static std::string type() { return "one of " + join(choices(), ", "); }

  static std::optional<E> read(const Node& node) {
    const auto names = enum_names(E{});
    for (size_t i = 0; i < names.size(); ++i) {
      if (node.kind == Node::Kind::kScalar && node.text == names[i]) return static_cast<E>(i);
    }
    return std::nullopt;
  }

  static Node write(E value) { return scalar_node(std::string(enum_name(value))); }
};

}  // namespace strata::config
