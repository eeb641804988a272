#pragma once

#include <memory>
#include <string>

#include "strata/workers/communicator.h"
#include "strata/workers/store.h"

namespace strata::workers {

struct GlooOptions {
  int rank = 0;
  int world_size = 1;
  std::string interface = {};   // empty: the one that leads to the host of the store
  Store::Seconds timeout{600};  // of every collective, and of meeting
};

/// Workers on any number of hosts, over TCP (Debian's Gloo): tensors on the CPU. They meet in `store`, under a prefix
/// that no other group uses. Collectives run on a thread of their own.
/// From then on the process ignores SIGPIPE. Throws Error, naming the interface or the
/// workers that did not come, when the mesh is not there within the timeout.
std::unique_ptr<Communicator> connect_gloo(const Store& store, const GlooOptions& options);

/// The file of the Gloo that this process has loaded.
std::string gloo_library();

/// Throws Error where the process has loaded another Gloo than the one that Strata was built with: libtorch_cpu holds
/// one of another version, and whichever comes first in the link order answers.
void check_gloo();

}  // namespace strata::workers
