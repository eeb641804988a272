#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace strata::test {

/// Serves the files of a folder over HTTP on this machine, with the failures that bad_server.py lists.
class BadServer {
 public:
  explicit BadServer(const std::filesystem::path& root);
  ~BadServer();
  BadServer(const BadServer&) = delete;
  BadServer& operator=(const BadServer&) = delete;

  /// `kind`: what goes wrong, see bad_server.py.
  std::string url(const std::string& kind, const std::string& name) const;

  /// What it was asked for: "/<kind>/<name> <Range or None>".
  std::vector<std::string> requests() const;

 private:
  std::filesystem::path root_;
  pid_t child_ = 0;
  int input_ = -1;  // its end is the server's
  std::string port_;
};

}  // namespace strata::test
