#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace strata {

/// Something the user can cause: a bad file, a full disk. The program prints it and exits with 1.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Wrong usage or configuration. The program prints it and exits with 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Puts values together as a stream would.
template <class... Parts>
std::string str(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws std::logic_error with where it happened: only our own mistakes come here.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace strata

/// For what a user can cause. The message names the key or path and the value.
#define STRATA_CHECK(condition, ...)                                     \
  do {                                                                   \
    if (!(condition)) throw ::strata::Error(::strata::str(__VA_ARGS__)); \
  } while (false)

/// For what only we can cause. Costs nothing in release builds.
#ifdef STRATA_ASSERTIONS
#define STRATA_ASSERT(condition) \
  (static_cast<bool>(condition) ? void() : ::strata::assertion_failed(#condition, __FILE__, __LINE__))
#else
#define STRATA_ASSERT(condition) static_cast<void>(sizeof(!(condition)))
#endif
