#include "strata/train/progress_line.h"

#include <unistd.h>

#include <iostream>

namespace strata::train {

void leave_progress_line() {
  if (isatty(STDOUT_FILENO) != 0) std::cout << "\n" << std::flush;
}

}  // namespace strata::train
