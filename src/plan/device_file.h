#pragma once

#include <string_view>

namespace strata::plan {

/// The text of src/plan/devices.json, as it was when the library was built.
std::string_view devices_json();

}  // namespace strata::plan
