#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <vector>

#include "file_descriptor.h"

namespace strata::workers {

struct Spawned {
  pid_t pid = 0;
  FileDescriptor out, err;  // what it writes
};

/// Starts a program as the leader of a process group of its own: signals of the terminal do not reach it. It reads
/// nothing, inherits no other descriptor, and is killed when the calling thread ends.
///
/// environment: "NAME=value"; mask: signals that it blocks. Throws Error if it cannot be started; a command that cannot
/// be run says so on its stderr and exits with 127.
Spawned spawn(const std::vector<std::string>& command, const std::vector<std::string>& environment,
              const sigset_t& mask);

}  // namespace strata::workers
