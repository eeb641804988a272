#include "config/node.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::config {

Node* Node::find(std::string_view key) {
  const auto found = std::ranges::find(entries, key, &Entry::first);
  return found == entries.end() ? nullptr : &found->second;
}

Node scalar_node(std::string text, bool quoted) {
  return {.kind = Node::Kind::kScalar, .text = std::move(text), .quoted = quoted};
}

void merge(Node& below, Node above) {
  if (below.kind == Node::Kind::kMap && above.kind == Node::Kind::kNull) return;
  if (below.kind != Node::Kind::kMap || above.kind != Node::Kind::kMap) {
    below = std::move(above);
    return;
  }
  below.place = above.place;
  for (auto& [key, value] : above.entries) {
    if (Node* existing = below.find(key)) {
      merge(*existing, std::move(value));
    } else {
      below.entries.emplace_back(key, std::move(value));
    }
  }
}

std::string show(const Node& node) {
  std::vector<std::string> parts;
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kScalar:
      return node.quoted ? str('"', on_one_line(node.text), '"') : on_one_line(node.text);
    case Node::Kind::kList:
      for (const Node& item : node.items) parts.push_back(show(item));
      return str("[", join(parts, ", "), "]");
    case Node::Kind::kMap:
      for (const auto& [key, value] : node.entries) parts.push_back(str(on_one_line(key), ": ", show(value)));
      return str("{", join(parts, ", "), "}");
  }
  return {};
}

std::string show_briefly(const Node& node) {
  constexpr size_t kLongest = 80;
  std::string shown = show(node);
  if (shown.size() > kLongest) shown.replace(kLongest, std::string::npos, "...");
  return shown;
}

std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char character : visible(text)) {
    if (character == '\n') {
      line += "\\n";
    } else if (character == '\t') {
      line += "\\t";
    } else {
      line += character;
    }
  }
  return line;
}

}  // namespace strata::config
