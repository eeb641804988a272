#pragma once

#include <limits>

namespace strata::study {

/// A number that is not there.
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace strata::study
