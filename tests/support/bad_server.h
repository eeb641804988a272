#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace strata::test {

/// Serves the files of a folder over HTTP on this machine, with the failures that bad_server.py lists, or as the hub
/// does (hub_server.py).
class BadServer {
 public:
  explicit BadServer(const std::filesystem::path& root, const std::string& script = "bad_server.py");
  ~BadServer();
  BadServer(const BadServer&) = delete;
  BadServer& operator=(const BadServer&) = delete;

  /// `kind`: what goes wrong, see bad_server.py.
  std::string url(const std::string& kind, const std::string& name) const;

  /// "http://127.0.0.1:PORT"
  std::string origin() const;

  /// What it was asked for: "/<kind>/<name> <Range or None>", or as hub_server.py says.
  std::vector<std::string> requests() const;

 private:
  std::filesystem::path root_;
  pid_t child_ = 0;
  int input_ = -1;  // its end is the server's
  std::string port_;
};

}  // namespace strata::test
