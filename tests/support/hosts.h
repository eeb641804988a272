#pragma once

#include <string>
#include <vector>

namespace strata::test {

/// Hosts on this machine: network namespaces that a bridge connects, 10.213.77.1, .2, and so on. They share the file
/// system. Needs root and iproute2; gone at the end of its life.
class Hosts {
 public:
  /// Why there can be none here; empty: there can.
  static std::string missing();

  explicit Hosts(int count);
  ~Hosts();
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;

  static std::string address(int host) { return "10.213.77." + std::to_string(host + 1); }
  /// The command, run on a host.
  std::vector<std::string> on(int host, const std::vector<std::string>& command) const;
  /// Packets to and from a host are lost from now on, or arrive again.
  void cut(int host) const;
  void mend(int host) const;

 private:
  std::string name(int host) const { return prefix_ + std::to_string(host); }

  std::string prefix_;  // of the namespaces; the one of the bridge ends with "b"
  int count_;
};

}  // namespace strata::test
