// c10d asks DNS for the name of every peer, only to have it for its log. Where DNS does not answer, each connection
// stands still for seconds, and the workers' store with it. In this program such a question gets the numeric address.
#include <dlfcn.h>
#include <netdb.h>

#include <bit>

extern "C" int getnameinfo(const sockaddr* address, socklen_t address_size, char* host, socklen_t host_size,
                           char* service, socklen_t service_size, int flags) {
  static const auto real = std::bit_cast<decltype(&getnameinfo)>(dlsym(RTLD_NEXT, "getnameinfo"));
  const int numeric = (flags & ~NI_NAMEREQD) | NI_NUMERICHOST;
  return real(address, address_size, host, host_size, service, service_size, numeric);
}
