#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata {

/// Of the terminal that stdout is; of one that does not tell, and where there is none: 80.
size_t terminal_columns();

/// Lines of more columns are broken at spaces, and go on below their last column: what stands behind two spaces or
/// more, or their beginning where there is no such. A table that is too wide for that stays as it is.
std::string wrapped(std::string_view text, size_t columns);

/// Wrapped for stdout: the terminal's columns, or so many where it is none.
std::string wrapped_for_stdout(std::string_view text, size_t columns_elsewhere = std::string::npos);

}  // namespace strata
