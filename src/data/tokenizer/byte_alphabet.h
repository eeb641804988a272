#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace strata::data {

/// GPT-2's signs for bytes, in UTF-8: printable characters of Latin-1 stand for themselves, the others for U+0100 and
/// so on in their order.
const std::array<std::string, 256>& signs_of_bytes();

/// The bytes that a row of such signs stands for; nothing where there is another character.
std::optional<std::string> bytes_of_signs(std::string_view signs);

}  // namespace strata::data
