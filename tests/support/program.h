#pragma once

#include <string>
#include <vector>

namespace strata::test {

struct Finished {
  int exit_code = 0;
  std::string out;  // stdout
  std::string err;  // stderr
};

/// Runs `build/strata` with these arguments (no shell) and waits for it.
Finished run_strata(const std::vector<std::string>& arguments);

/// Runs any program with these arguments (no shell) and waits for it.
Finished run_program(const std::vector<std::string>& command);

}  // namespace strata::test
