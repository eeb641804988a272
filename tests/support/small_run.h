#pragma once

#include "support/runs.h"

namespace strata::test {

/// Made-up text and the config of a run of nine steps over it, which cross the end of an epoch.
class SmallRun : public Runs {
 public:
  SmallRun();

  /// `strata pretrain` with the run folder `run` and overrides.
  Finished pretrain(const std::string& run, const std::vector<std::string>& overrides = {}) const {
    return run_program(command(run, overrides));
  }
};

}  // namespace strata::test
