#include "support/bad_server.h"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "support/places.h"

namespace strata::test {

BadServer::BadServer(const std::filesystem::path& root, const std::string& name) : root_(root) {
  int input[2];
  int output[2];
  if (pipe(input) != 0 || pipe(output) != 0) throw std::runtime_error("no pipe");
  const std::string script = source_folder() / "tests/support" / name;
  child_ = fork();
  if (child_ == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    for (const int end : {input[0], input[1], output[0], output[1]}) close(end);
    execlp("python3", "python3", script.c_str(), root.c_str(), nullptr);
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  input_ = input[1];
  for (char digit = 0; read(output[0], &digit, 1) == 1 && digit != '\n';) port_.push_back(digit);
  close(output[0]);
  if (port_.empty()) throw std::runtime_error(name + " does not start");
}

BadServer::~BadServer() {
  close(input_);
  waitpid(child_, nullptr, 0);
}

std::string BadServer::url(const std::string& kind, const std::string& name) const {
  return origin() + "/" + kind + "/" + name;
}

std::string BadServer::origin() const { return "http://127.0.0.1:" + port_; }

std::vector<std::string> BadServer::requests() const {
  std::ifstream file(root_ / "requests");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace strata::test
