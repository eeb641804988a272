#include "data/tokenizer/pieces.h"

#include <algorithm>

namespace strata::data {

// Level by level over the sorted strings: the strings of a node are a range, and so are those of each of its children.
PieceTrie::PieceTrie(std::vector<std::pair<std::string_view, int32_t>> strings) {
  struct Range {
    size_t begin = 0, end = 0, depth = 0;
  };
  std::ranges::sort(strings);
  std::vector<Range> ranges{{.begin = 0, .end = strings.size(), .depth = 0}};
  for (size_t node = 0; node < ranges.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    Node made{.begin = static_cast<int32_t>(bytes_.size()), .end = 0, .value = kNone};
    if (begin < end && strings[begin].first.size() == depth) made.value = strings[begin++].second;
    while (begin < end) {
      const char byte = strings[begin].first[depth];
      const size_t first = begin;
      while (begin < end && strings[begin].first[depth] == byte) ++begin;
      const auto child = static_cast<int32_t>(ranges.size());
      ranges.push_back({.begin = first, .end = begin, .depth = depth + 1});
      bytes_.push_back(byte);
      children_.push_back(child);
      if (node == 0) first_[static_cast<unsigned char>(byte)] = child;
    }
    made.end = static_cast<int32_t>(bytes_.size());
    nodes_.push_back(made);
  }
}

PieceTrie::Prefix PieceTrie::longest_prefix(std::string_view text) const {
  Prefix longest;
  int32_t node = kRoot;
  for (size_t i = 0; i < text.size(); ++i) {
    node = next(node, text[i]);
    if (node == kNone) break;
    if (value(node) != kNone) longest = {.value = value(node), .size = i + 1};
  }
  return longest;
}

}  // namespace strata::data
