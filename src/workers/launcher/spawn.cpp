#include "spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "strata/base/check.h"

namespace strata::workers {
namespace {

constexpr int kCannotRun = 127;  // as shells have it

struct Pipe {
  FileDescriptor read, write;
};

Pipe make_pipe() {
  std::array<int, 2> ends = {};
  STRATA_CHECK(pipe2(ends.data(), O_CLOEXEC) == 0, "cannot make a pipe for a worker: ", std::strerror(errno));
  return {.read = FileDescriptor(ends[0]), .write = FileDescriptor(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// What the child needs, made before the fork: after it only async-signal-safe calls are allowed, since other threads of
// the launcher may have held locks.
struct ChildPlan {
  char* const* command;
  char* const* environment;
  int out, err;
  const sigset_t* mask;
  pid_t parent;
};

void tell_why(const char* program) {
  for (const char* part : {"error: cannot run ", program, ": ", strerrordesc_np(errno), "\n"}) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, part, std::strlen(part));
  }
}

[[noreturn]] void become(const ChildPlan& plan) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(kCannotRun);  // it died before the line above
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(plan.out, STDOUT_FILENO);
  dup2(plan.err, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, plan.mask, nullptr);
  execve(plan.command[0], plan.command, plan.environment);
  tell_why(plan.command[0]);
  _exit(kCannotRun);
}

}  // namespace

Spawned spawn(const std::vector<std::string>& command, const std::vector<std::string>& environment,
              const sigset_t& mask) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  const std::vector<char*> arguments = pointers(command);
  const std::vector<char*> variables = pointers(environment);
  const ChildPlan plan = {.command = arguments.data(),
                          .environment = variables.data(),
                          .out = out.write.get(),
                          .err = err.write.get(),
                          .mask = &mask,
                          .parent = getpid()};
  const pid_t pid = fork();
  STRATA_CHECK(pid >= 0, "cannot start a worker: ", std::strerror(errno));
  if (pid == 0) become(plan);
  setpgid(pid, pid);  // here too, so that it holds before anything is sent to the group
  return {.pid = pid, .out = std::move(out.read), .err = std::move(err.read)};
}

}  // namespace strata::workers
