#pragma once

#include <cstdint>

namespace strata {

/// a / b, rounded up. Neither is negative, and b not nought.
constexpr int64_t quotient_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace strata
