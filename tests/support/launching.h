#pragma once

#include <string>
#include <vector>

#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {

using Words = std::vector<std::string>;

/// `strata launch --no-python FLAGS... /bin/sh -c SCRIPT`, with variables ("NAME=value", "-u NAME") for env(1).
Words launch_command(const Words& flags, const std::string& script, const Words& variables = {});
Finished launch(const Words& flags, const std::string& script, const Words& variables = {});

Words lines_of(const std::string& text);

/// Workers that tell, in files of a folder, that they have come to where the test does something.
class ReadyWorkers {
 public:
  /// Shell, for a worker: it is ready, in this attempt.
  std::string ready() const;
  /// Shell: waits until this rank is ready, in attempt 0.
  std::string wait_for(int rank) const;
  /// Their process ids, once so many are ready. Throws if they do not come.
  std::vector<pid_t> wait(size_t count, int attempt = 0) const;
  /// Those that said it, in any attempt, and are still there.
  std::vector<pid_t> left() const;

 private:
  TempFolder folder_;
};

}  // namespace strata::test
