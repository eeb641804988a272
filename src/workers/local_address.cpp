#include "local_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "strata/base/check.h"

namespace strata::workers {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses addresses_of(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  STRATA_CHECK(failure == 0, "cannot find the host ", host, ": ", gai_strerror(failure));
  return {found, freeaddrinfo};
}

// Connecting a datagram socket sends nothing: it picks the way, and with it the address on this side.
std::string local_end(const addrinfo& target) {
  const int socket = ::socket(target.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return "";
  sockaddr_storage local{};
  socklen_t size = sizeof(local);
  auto* address = reinterpret_cast<sockaddr*>(&local);
  char text[NI_MAXHOST] = "";
  const bool found = connect(socket, target.ai_addr, target.ai_addrlen) == 0 &&
                     getsockname(socket, address, &size) == 0 &&
                     getnameinfo(address, size, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0;
  const int reason = errno;
  close(socket);
  errno = reason;
  return found ? text : "";
}

}  // namespace

void check_host(const std::string& host) {
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (failure == 0) return freeaddrinfo(found);
  if (failure == EAI_NONAME) throw UsageError(str("there is no host called ", host));
}

std::string address_towards(const std::string& host, uint16_t port) {
  const Addresses addresses = addresses_of(host, port);
  for (const addrinfo* target = addresses.get(); target != nullptr; target = target->ai_next) {
    if (std::string address = local_end(*target); !address.empty()) return address;
  }
  throw Error(str("no network interface leads to ", host, ": ", std::strerror(errno)));
}

}  // namespace strata::workers
