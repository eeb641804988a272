#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace strata::workers {

/// A key-value store that processes meet at: c10d's TCPStore, so that torchrun's own serves as well.
///
/// Copies share one connection, which may be used from several threads but does one operation at a time: a wait holds
/// up the others (`another_connection`). Every operation throws Error, naming the address, when the connection is lost.
class Store {
 public:
  using Seconds = std::chrono::duration<double>;

  /// Serves a store in this process for as long as copies live, to those who know it as `host`: where that is a
  /// loopback address, nobody outside of this host can reach it. port 0: any free one. Throws Error, naming the port,
  /// if it is taken.
  static Store serve(uint16_t port, const std::string& host = "127.0.0.1");
  /// Waits until somebody serves there. Throws Error, naming the address, when `timeout` has passed.
  static Store connect(const std::string& host, uint16_t port, Seconds timeout);

  void set(const std::string& key, const std::string& value) const;
  /// Waits for the key; nothing when `timeout` has passed.
  std::optional<std::string> wait_for(const std::string& key, Seconds timeout) const;
  /// Does not wait.
  std::optional<std::string> find(const std::string& key) const;
  /// The values of keys that are there, in one round trip.
  std::vector<std::string> get(const std::vector<std::string>& keys) const;
  /// Adds to a number (absent: 0) and gives the sum.
  int64_t add(const std::string& key, int64_t amount) const;

  /// The same connection; every key gets `prefix` in front.
  Store under(const std::string& prefix) const;
  Store another_connection() const;

  const std::string& host() const;
  uint16_t port() const;

 private:
  struct Connection;
  friend struct StoreConnection;  // of src/workers
  Store(std::shared_ptr<const Connection> connection, std::string prefix);

  std::shared_ptr<const Connection> connection_;
  std::string prefix_;
};

}  // namespace strata::workers
