#pragma once

#include <cstdlib>
#include <filesystem>

namespace strata::test {

/// The folder with real data and golden vectors, named by the environment variable STRATA_TEST_DATA; empty when unset.
inline std::filesystem::path test_data() {
  const char* folder = std::getenv("STRATA_TEST_DATA");
  return folder ? folder : "";
}

}  // namespace strata::test

/// Skips a test that needs files of STRATA_TEST_DATA, and says so.
#define STRATA_NEEDS_TEST_DATA() \
  if (::strata::test::test_data().empty()) GTEST_SKIP() << "NOT TESTED: STRATA_TEST_DATA is not set"
