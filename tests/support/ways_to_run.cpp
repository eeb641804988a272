#include "support/ways_to_run.h"

namespace strata::test {

std::vector<WayToRun>& ways_to_run() {
  static std::vector<WayToRun> ways;
  return ways;
}

}  // namespace strata::test
