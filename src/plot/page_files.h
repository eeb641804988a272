#pragma once

#include <string_view>

namespace strata::plot {

/// The text of src/plot/page.css and page.js, as they were when the library was built.
std::string_view page_css();
std::string_view page_js();

}  // namespace strata::plot
