#include "data/tokenizer/added_tokens.h"

#include <algorithm>

namespace strata::data {

int32_t AddedTokens::child(int32_t node, char byte) const {
  if (node == 0) return first_[static_cast<unsigned char>(byte)];
  const auto& children = nodes_[static_cast<size_t>(node)].children;
  const auto found = std::ranges::find(children, byte, &std::pair<char, int32_t>::first);
  return found == children.end() ? -1 : found->second;
}

void AddedTokens::add(const AddedToken& token) {
  int32_t node = 0;
  for (const char byte : token.content) {
    int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<int32_t>(nodes_.size());
      nodes_.emplace_back();
      if (node == 0) first_[static_cast<unsigned char>(byte)] = next;
      nodes_[static_cast<size_t>(node)].children.emplace_back(byte, next);
    }
    node = next;
  }
  nodes_[static_cast<size_t>(node)].id = token.id;
  nodes_[static_cast<size_t>(node)].is_special = token.is_special;
}

bool AddedTokens::find(std::string_view text, size_t from, Found& found) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    bool is_found = false;
    size_t at = begin;
    for (int32_t node = child(0, text[at]); node >= 0; node = at < text.size() ? child(node, text[at]) : -1) {
      ++at;
      const Node& reached = nodes_[static_cast<size_t>(node)];
      if (reached.id < 0) continue;
      found = {.begin = begin, .end = at, .id = reached.id, .is_special = reached.is_special};
      is_found = true;
    }
    if (is_found) return true;
  }
  return false;
}

}  // namespace strata::data
