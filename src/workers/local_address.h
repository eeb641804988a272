#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace strata::workers {

/// Throws UsageError, naming the host, for a name that nobody knows. One that cannot be asked for now is let through.
void check_host(const std::string& host);

/// The numeric address of this host's interface through which packets to `host` leave. Throws Error, naming the host,
/// if it has no address or there is no way to it.
std::string address_towards(const std::string& host, uint16_t port);

/// A socket that nobody outside of this host can reach.
struct LoopbackSocket {
  int socket = -1;  // the caller's
  uint16_t port = 0;
  const char* host = "127.0.0.1";  // or ::1; no name, which a machine without /etc/hosts does not know
};

/// Binds one where `host` is nothing but loopback addresses; nothing where it is another, or cannot be found. port 0:
/// any free one. Throws Error if the port is taken.
std::optional<LoopbackSocket> bind_to_loopback(const std::string& host, uint16_t port);

}  // namespace strata::workers
