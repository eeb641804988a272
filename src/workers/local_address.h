#pragma once

#include <cstdint>
#include <string>

namespace strata::workers {

/// Throws UsageError, naming the host, for a name that nobody knows. One that cannot be asked for now is let through.
void check_host(const std::string& host);

/// The numeric address of this host's interface through which packets to `host` leave. Throws Error, naming the host,
/// if it has no address or there is no way to it.
std::string address_towards(const std::string& host, uint16_t port);

}  // namespace strata::workers
