#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::config {

/// A YAML value that remembers where it was written.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  using Entry = std::pair<std::string, Node>;

  Kind kind = Kind::kNull;
  std::string place = {};           // of its key, if it has one: "file:line" or `override "key=value"`
  std::string text = {};            // of a scalar
  bool quoted = false;              // a scalar that is text, whatever it looks like
  std::vector<Node> items = {};     // of a list
  std::vector<Entry> entries = {};  // of a map, in written order, each key once

  /// The value under `key`, or nullptr.
  Node* find(std::string_view key);
};

Node scalar_node(std::string text, bool quoted = false);

/// Maps merge deeply, everything else replaces. A null leaves a map as it was.
void merge(Node& below, Node above);

/// The value on one line, in YAML's flow style.
std::string show(const Node& node);

/// The same for messages: cut where it becomes long.
std::string show_briefly(const Node& node);

/// `text` with control characters escaped, so that it fits into a one-line message.
std::string on_one_line(std::string_view text);

}  // namespace strata::config
