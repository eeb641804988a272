#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "data/tokenizer/json_tokenizer.h"

namespace strata::data {

/// Finds added tokens in texts: of those that begin furthest left the longest, and so on behind it.
class AddedTokens {
 public:
  struct Found {
    size_t begin = 0;
    size_t end = 0;
    int32_t id = 0;
    bool is_special = false;
  };

  void add(const AddedToken& token);
  bool empty() const { return nodes_.size() == 1; }

  /// The first at or behind `from`; false: there is none. In O(length of the longest token) for each byte.
  bool find(std::string_view text, size_t from, Found& found) const;

 private:
  struct Node {
    std::vector<std::pair<char, int32_t>> children = {};
    int32_t id = -1;  // of the token that ends here
    bool is_special = false;
  };

  int32_t child(int32_t node, char byte) const;

  std::vector<Node> nodes_{Node{}};
  std::vector<int32_t> first_ = std::vector<int32_t>(256, -1);  // the root's children
};

}  // namespace strata::data
