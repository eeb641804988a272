#pragma once

#include <string>
#include <string_view>

namespace strata::data {

/// Whether the text is certainly in normal form C: it has no character from U+0300 on.
bool is_plainly_nfc(std::string_view text);

/// `text`, which is UTF-8, in normal form C, in time proportional to its length: Unicode 9's, as Hugging Face's library
/// has it. What later versions say of their new characters is not applied; they only separate what stands around them.
std::string nfc(std::string_view text);

}  // namespace strata::data
