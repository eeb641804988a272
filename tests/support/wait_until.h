#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace strata::test {

/// Waits, at most a minute, until `holds`; whether it does.
inline bool wait_until(const std::function<bool()>& holds) {
  for (int tries = 0; tries < 12'000; ++tries) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace strata::test
