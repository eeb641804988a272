#pragma once

#include <cstdint>
#include <string>

namespace strata::workers {

/// The numeric address of this host's interface through which packets to `host` leave. Throws Error, naming the host,
/// if it has no address or there is no way to it.
std::string address_towards(const std::string& host, uint16_t port);

}  // namespace strata::workers
