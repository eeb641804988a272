#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::data {

/// A set of strings, walked byte by byte.
class PieceTrie {
 public:
  static constexpr int32_t kRoot = 0;
  static constexpr int32_t kNone = -1;

  /// Strings, none of them empty or twice there, and what each has for a value (from 0).
  explicit PieceTrie(std::vector<std::pair<std::string_view, int32_t>> strings = {});

  /// Where a byte leads; kNone: nowhere.
  int32_t next(int32_t node, char byte) const {
    if (node == kRoot) return first_[static_cast<unsigned char>(byte)];
    const Node& here = nodes_[static_cast<size_t>(node)];
    for (int32_t at = here.begin; at < here.end; ++at) {
      if (bytes_[static_cast<size_t>(at)] == byte) return children_[static_cast<size_t>(at)];
    }
    return kNone;
  }

  /// Of the string that ends at a node; kNone: none does.
  int32_t value(int32_t node) const { return nodes_[static_cast<size_t>(node)].value; }

  struct Prefix {
    int32_t value = kNone;
    size_t size = 0;  // bytes
  };
  /// The longest string that a text begins with.
  Prefix longest_prefix(std::string_view text) const;

 private:
  struct Node {
    int32_t begin = 0, end = 0;  // of bytes_ and children_
    int32_t value = kNone;
  };

  std::vector<Node> nodes_;
  std::vector<char> bytes_;
  std::vector<int32_t> children_;
  std::vector<int32_t> first_ = std::vector<int32_t>(256, kNone);
};

}  // namespace strata::data
