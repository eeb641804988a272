// Text as Python's str sees it: code points, and the white space that str.strip() and str.isspace() know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::eval {

/// str.isspace() of one character in UTF-8.
bool is_space(std::string_view character);

/// The bytes of the character that text begins with; 1 for what is no UTF-8. text is not empty.
size_t size_of_character(std::string_view text);

/// str.rstrip() of UTF-8.
std::string_view right_stripped(std::string_view text);

/// str.strip() of UTF-8.
std::string_view stripped(std::string_view text);

/// len(text) of UTF-8.
int64_t count_characters(std::string_view text);

}  // namespace strata::eval
