#include "strata/base/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "strata/base/check.h"

namespace strata {
namespace {

std::string printed(const char* format, int digits, double value) {
  if (std::isnan(value)) return "nan";
  const int size = std::snprintf(nullptr, 0, format, digits, value);
  std::string text(static_cast<size_t>(size), '\0');
  std::snprintf(text.data(), text.size() + 1, format, digits, value);
  return text;
}

std::string in_small_letters(std::string_view text) {
  std::string small(text);
  for (char& letter : small) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return small;
}

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Damerau's distance (optimal string alignment): insertions, deletions, replacements, and swaps of two neighbours.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  const std::string small = in_small_letters(name);
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(small, in_small_letters(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const auto nearest = nearest_name(name, candidates);
  return nearest ? "; did you mean \"" + *nearest + "\"?" : "";
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (!joined.empty()) joined += separator;
    joined += part;
  }
  return joined;
}

std::string with_commas(int64_t value) {
  const std::string digits = std::to_string(std::abs(value));
  std::string grouped = value < 0 ? "-" : "";
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

std::string human_bytes(int64_t bytes) {
  constexpr std::array units{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  return fixed(value, unit >= 2 ? 2 : 1) + " " + units[unit];
}

std::string fixed(double value, int digits) {
  constexpr double kTooLong = 1e15;
  return printed(std::abs(value) < kTooLong ? "%.*f" : "%.*e", digits, value);
}

std::string scientific(double value, int digits) { return printed("%.*e", digits, value); }

std::string significant(double value, int digits) { return printed("%.*g", digits, value); }

std::string human_seconds(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  if (whole >= 86400) return str(whole / 86400, "d ", whole % 86400 / 3600, "h");
  if (whole >= 3600) return str(whole / 3600, "h ", whole % 3600 / 60, "m");
  if (whole >= 60) return str(whole / 60, "m ", whole % 60, "s");
  return str(whole, "s");
}

std::string hex(uint64_t value) {
  std::string digits(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

std::string visible(std::string_view text) {
  std::string shown;
  const auto show = [&](unsigned char byte) {
    shown += "\\x";
    shown += "0123456789abcdef"[byte >> 4];
    shown += "0123456789abcdef"[byte & 15];
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    // U+0080 to U+009F in UTF-8, which terminals obey as they do an escape and a letter.
    const bool is_high_control =
        byte == 0xC2 && i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xE0) == 0x80;
    if (is_high_control) {
      show(static_cast<unsigned char>(text[++i]));
    } else if (is_control) {
      show(byte);
    } else {
      shown += text[i];
    }
  }
  return shown;
}

size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char byte) { return !continues_character(byte); }));
}

std::string padded(std::string_view text, int width) {
  const auto wanted = static_cast<size_t>(std::abs(width));
  const size_t columns = columns_of(text);
  const std::string space(wanted > columns ? wanted - columns : 0, ' ');
  return width > 0 ? std::string(text) + space : space + std::string(text);
}

}  // namespace strata
