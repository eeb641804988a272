#include "local_address.h"

#include <netdb.h>
#include <netinet/in.h>
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

bool is_loopback(const addrinfo& address) {
  if (address.ai_family == AF_INET) {
    const auto& ipv4 = *reinterpret_cast<const sockaddr_in*>(address.ai_addr);
    return ntohl(ipv4.sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
  }
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address.ai_addr)->sin6_addr);
}

// IPv4 where there is a choice: who looks for "localhost" tries all of its addresses.
const addrinfo* loopback_among(const addrinfo* addresses) {
  const addrinfo* chosen = nullptr;
  for (const addrinfo* one = addresses; one != nullptr; one = one->ai_next) {
    if (!is_loopback(*one)) return nullptr;
    if (chosen == nullptr || one->ai_family == AF_INET) chosen = one;
  }
  return chosen;
}

}  // namespace

void check_host(const std::string& host) {
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (failure == 0) return freeaddrinfo(found);
  if (failure == EAI_NONAME) throw UsageError(str("there is no host called ", host));
}

std::optional<LoopbackSocket> bind_to_loopback(const std::string& host, uint16_t port) {
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), nullptr, &found) != 0) return std::nullopt;
  const Addresses addresses(found, freeaddrinfo);
  const addrinfo* address = loopback_among(found);
  if (address == nullptr) return std::nullopt;
  const int socket = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  const bool is_bound = socket >= 0 && setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                        bind(socket, address->ai_addr, address->ai_addrlen) == 0 &&
                        getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) == 0;
  if (!is_bound) {
    const int reason = errno;
    if (socket >= 0) close(socket);
    throw Error(std::strerror(reason));
  }
  // The port is at one place in both families.
  return LoopbackSocket{.socket = socket,
                        .port = ntohs(reinterpret_cast<sockaddr_in&>(bound).sin_port),
                        .host = address->ai_family == AF_INET ? "127.0.0.1" : "::1"};
}

std::string address_towards(const std::string& host, uint16_t port) {
  const Addresses addresses = addresses_of(host, port);
  for (const addrinfo* target = addresses.get(); target != nullptr; target = target->ai_next) {
    if (std::string address = local_end(*target); !address.empty()) return address;
  }
  throw Error(str("no network interface leads to ", host, ": ", std::strerror(errno)));
}

}  // namespace strata::workers
