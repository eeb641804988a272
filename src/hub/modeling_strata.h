#pragma once

#include <string_view>

namespace strata::hub {

/// The text of src/hub/modeling_strata.py, as it was when the library was built.
std::string_view modeling_strata_py();

}  // namespace strata::hub
