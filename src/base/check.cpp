#include "strata/base/check.h"

namespace strata {

void assertion_failed(const char* condition, const char* file, int line) {
  throw std::logic_error(str("assertion failed: ", condition, " (", file, ":", line, "); this is a bug in Strata"));
}

}  // namespace strata
