#pragma once

#include <memory>

#include "strata/workers/communicator.h"

namespace strata::workers {

/// The same workers, connected twice: what lies on the CPU, and barriers, go over `for_host`; tensors on other devices
/// over `for_devices`, so that a vote among the hosts does not wait for what their devices still have to do.
///
/// Collectives of one kind are carried out in the order in which they are asked for; between the two there is no order.
/// backend() is that of `for_devices`, time() the sum of both.
std::unique_ptr<Communicator> by_device(std::unique_ptr<Communicator> for_host,
                                        std::unique_ptr<Communicator> for_devices);

}  // namespace strata::workers
