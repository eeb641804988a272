#pragma once

#include <string>
#include <string_view>

namespace strata::data {

/// Bytes of the first character of `text`, which is UTF-8 and not empty.
inline size_t size_of_first(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/// The text with U+FFFD for each part that is not UTF-8, as Unicode recommends and Hugging Face's library does.
std::string mended_utf8(std::string_view text);

}  // namespace strata::data
