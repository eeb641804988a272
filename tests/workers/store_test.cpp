#include "strata/workers/store.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "support/errors.h"

namespace strata::workers {
namespace {

using std::chrono::milliseconds;

TEST(Store, KeepsWhatOthersSet) {
  const Store served = Store::serve(0);
  const Store client = Store::connect("127.0.0.1", served.port(), milliseconds(5000)).under("a/");
  EXPECT_EQ(client.find("key"), std::nullopt);
  std::thread other([store = client.another_connection()] { store.set("key", "value"); });
  EXPECT_EQ(client.wait_for("key", milliseconds(5000)), "value");
  other.join();
  EXPECT_EQ(served.find("a/key"), "value");
  client.set("second", "");
  EXPECT_THAT(client.get({"key", "second"}), testing::ElementsAre("value", ""));
  EXPECT_THAT(client.get({}), testing::IsEmpty());
  EXPECT_EQ(client.add("count", 2), 2);
  EXPECT_EQ(client.add("count", 3), 5);
}

TEST(Store, TellsOfATimeoutAndGoesOn) {
  const Store store = Store::serve(0);
  EXPECT_EQ(store.wait_for("nobody sets this", milliseconds(50)), std::nullopt);
  store.set("key", "value");
  EXPECT_EQ(store.find("key"), "value");
}

TEST(Store, NamesAPortThatIsTaken) {
  const Store first = Store::serve(0);
  EXPECT_THAT(strata::test::error_of([&] { Store::serve(first.port()); }),
              testing::HasSubstr("cannot serve the workers' store at port " + std::to_string(first.port())));
}

// /proc/net/tcp and tcp6: "sl local_address:port ..." with state 0A, as it listens.
std::vector<std::string> listeners(uint16_t port) {
  std::vector<std::string> addresses;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    std::string number, local, remote, state, rest;
    std::getline(lines, rest);
    while (lines >> number >> local >> remote >> state && std::getline(lines, rest)) {
      const size_t colon = local.find(':');
      if (state == "0A" && std::stoi(local.substr(colon + 1), nullptr, 16) == port) {
        addresses.push_back(local.substr(0, colon));
      }
    }
  }
  return addresses;
}

TEST(Store, OfOneHostListensToThatHostAlone) {
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const Store served = Store::serve(0, host);
    EXPECT_THAT(listeners(served.port()), testing::ElementsAre("0100007F")) << host;
    const Store client = Store::connect(host, served.port(), milliseconds(5000));
    client.set("key", "value");
    EXPECT_EQ(served.find("key"), "value");
  }
  const Store open = Store::serve(0, "no-such-host.invalid");
  EXPECT_THAT(listeners(open.port()), testing::Not(testing::Contains("0100007F")));
}

// Scanners, other programs, and c10d's own protocol with sizes that nobody has.
TEST(Store, SurvivesStrangers) {
  const Store served = Store::serve(0);
  const std::string magic("\0\xCE\xF7\x85\x3C", 5);
  std::vector<int> sockets;
  for (int stranger = 0; stranger < 300; ++stranger) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(served.port()), .sin_addr = {}, .sin_zero = {}};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    std::string bytes = stranger % 3 == 0 ? "GET / HTTP/1.1\r\n\r\n" : stranger % 3 == 1 ? "" : magic;
    if (stranger % 3 == 2) bytes += std::string(1, static_cast<char>(stranger % 16)) + std::string(8, '\x7f') + "x";
    EXPECT_EQ(send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
    stranger % 2 == 0 ? sockets.push_back(socket) : static_cast<void>(close(socket));
  }
  const Store client = Store::connect("127.0.0.1", served.port(), milliseconds(5000));
  client.set("key", "value");
  EXPECT_EQ(served.find("key"), "value");
  for (const int socket : sockets) close(socket);
}

TEST(Store, NamesAnAddressThatNobodyServes) {
  uint16_t port = 0;
  { port = Store::serve(0).port(); }
  EXPECT_THAT(strata::test::error_of([&] { Store::connect("127.0.0.1", port, milliseconds(100)); }),
              testing::HasSubstr("cannot reach the workers' store at 127.0.0.1:" + std::to_string(port)));
}

}  // namespace
}  // namespace strata::workers
