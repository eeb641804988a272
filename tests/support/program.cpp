#include "support/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/places.h"

namespace strata::test {

Program::Program(const std::vector<std::string>& command) {
  const std::string out = folder_ / "out";
  const std::string err = folder_ / "err";
  std::vector<char*> arguments;
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  for (const std::string& file : {out, err}) write_file(file, "");  // even if it is killed before its first word
  child_ = fork();
  if (child_ < 0) throw std::runtime_error("cannot fork");
  if (child_ == 0) {
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(open(out.c_str(), O_WRONLY), 1);
    dup2(open(err.c_str(), O_WRONLY), 2);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
}

Program::~Program() {
  if (!has_ended_) {
    send(SIGKILL);
    wait();
  }
}

void Program::send(int signal) const { kill(child_, signal); }

pid_t Program::child_with(const std::string& variable) const {
  std::ifstream children("/proc/" + std::to_string(child_) + "/task/" + std::to_string(child_) + "/children");
  for (pid_t child = -1; children >> child;) {
    std::ifstream file("/proc/" + std::to_string(child) + "/environ", std::ios::binary);  // none: it has ended
    const std::string environment{std::istreambuf_iterator<char>(file), {}};
    if (environment.find('\0' + variable + '\0') != std::string::npos) return child;
  }
  return -1;
}

bool Program::is_running() {
  if (!has_ended_) has_ended_ = waitpid(child_, &status_, WNOHANG) == child_;
  return !has_ended_;
}

std::string Program::out() const { return read_file(folder_ / "out"); }

std::string Program::err() const { return read_file(folder_ / "err"); }

Finished Program::wait() {
  if (!has_ended_) waitpid(child_, &status_, 0);
  has_ended_ = true;
  return {WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_), out(), err()};
}

Finished run_program(const std::vector<std::string>& command) { return Program(command).wait(); }

std::vector<std::string> strata_command(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{strata_program()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Finished run_strata(const std::vector<std::string>& arguments) { return run_program(strata_command(arguments)); }

}  // namespace strata::test
