#pragma once

#include <string>
#include <string_view>

namespace strata::plot {

/// Text as XML and HTML have it, inside elements and inside attributes in double quotes. What is no character of XML
/// (control characters, bytes that are not UTF-8) becomes U+FFFD.
std::string escaped(std::string_view text);

/// At most so many characters, the last one an ellipsis where some are missing.
std::string cut(std::string_view text, size_t columns);

/// Pixels, with so many digits behind the point at most: 12.5, 0.07, 3.
std::string pixels(double value, int digits = 2);

/// About how wide a label is drawn: no font is known here.
double text_width(std::string_view text);

/// ` name="value"`, for values that need no escapes.
std::string attribute(std::string_view name, std::string_view value);
std::string attribute(std::string_view name, double value);

/// A label at (x, y), cut to so many pixels, the whole of it in its <title> then. more: attributes, as attribute()
/// gives.
std::string text_at(double x, double y, std::string_view text, double room, const std::string& more = "");

}  // namespace strata::plot
