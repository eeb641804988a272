#pragma once

#include <functional>
#include <string>

#include "strata/base/check.h"

namespace strata::test {

/// What the Error says that `action` throws.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace strata::test
