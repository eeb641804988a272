#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strata::plot {

/// How often `part` stands in `text`.
inline size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// What is wrong with the nesting of a document's elements, or nothing: all that Strata's drawings could get wrong
/// without a reader of XML.
inline std::string badly_nested(std::string_view text) {
  std::vector<std::string> open;
  for (size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at)) {
    const size_t end = text.find('>', at);
    if (end == std::string_view::npos) return "an element without an end";
    const std::string_view inside = text.substr(at + 1, end - at - 1);
    if (count(inside, "\"") % 2 != 0 || count(inside, "<") != 0) return "bad attributes: " + std::string(inside);
    at = end;
    if (inside.starts_with('/')) {
      if (open.empty() || open.back() != inside.substr(1)) return "no element that ends as " + std::string(inside);
      open.pop_back();
    } else if (!inside.ends_with('/')) {
      open.emplace_back(inside.substr(0, inside.find(' ')));
    }
  }
  return open.empty() ? "" : "not ended: " + open.back();
}

}  // namespace strata::plot
