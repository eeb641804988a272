#include "plot/xml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "strata/base/text.h"

namespace strata::plot {
namespace {

constexpr double kLetterWidth = 6.6;  // of 12 pixels, on average
constexpr std::string_view kUnknown = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

bool follows(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// How many bytes of text, which is not empty, are its first character; 0 where they are none of XML.
size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return first >= 0x20 || first == '\n' || first == '\t' ? 1 : 0;
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  if (!std::ranges::all_of(text.substr(1, size - 1), follows)) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool is_overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool is_beyond = (first == 0xED && second >= 0xA0) || (first == 0xF4 && second >= 0x90);
  const bool is_not_of_xml = first == 0xEF && second == 0xBF && static_cast<unsigned char>(text[2]) >= 0xBE;
  return is_overlong || is_beyond || is_not_of_xml ? 0 : size;
}

std::string_view entity_of(char character) {
  switch (character) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return "";
  }
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const size_t size = character_size(text);
    const std::string_view entity = entity_of(text[0]);
    safe += size == 0 ? kUnknown : entity.empty() ? text.substr(0, size) : entity;
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return safe;
}

std::string cut(std::string_view text, size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  size_t bytes = 0;
  for (size_t seen = 0; bytes < text.size(); ++bytes) {
    if (!follows(text[bytes]) && ++seen >= columns) break;
  }
  return std::string(text.substr(0, bytes)) + std::string(kEllipsis);
}

std::string pixels(double value, int digits) {
  if (!std::isfinite(value)) return "0";
  std::array<char, 400> buffer{};
  char* const begin = buffer.data();
  const auto end = std::to_chars(begin, begin + buffer.size(), value, std::chars_format::fixed, digits).ptr;
  std::string_view text(begin, static_cast<size_t>(end - begin));
  while (text.back() == '0') text.remove_suffix(1);
  if (text.back() == '.') text.remove_suffix(1);
  return text == "-0" ? "0" : std::string(text);
}

double text_width(std::string_view text) { return kLetterWidth * static_cast<double>(columns_of(text)); }

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + std::string(value) + "\"";
}

std::string attribute(std::string_view name, double value) { return attribute(name, pixels(value)); }

std::string text_at(double x, double y, std::string_view text, double room, const std::string& more) {
  const std::string shown = cut(text, static_cast<size_t>(std::max(room / kLetterWidth, 1.0)));
  const std::string whole = shown == text ? "" : "<title>" + escaped(text) + "</title>";
  return "<text" + attribute("x", x) + attribute("y", y) + more + ">" + whole + escaped(shown) + "</text>\n";
}

}  // namespace strata::plot
