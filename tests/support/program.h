#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace strata::test {

// How `strata` ends where something is wrong.
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

struct Finished {
  int exit_code = 0;  // 128 + signal where one ended it
  std::string out;    // stdout
  std::string err;    // stderr
};

/// A program that runs beside the test, without a shell. At the end of its life the process is killed.
class Program {
 public:
  explicit Program(const std::vector<std::string>& command);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void send(int signal) const;
  /// The process that it started with this in its environment ("RANK=1"); -1: there is none.
  pid_t child_with(const std::string& variable) const;
  bool is_running();
  /// What it has written so far.
  std::string out() const;
  std::string err() const;
  Finished wait();

 private:
  TempFolder folder_;
  pid_t child_;
  bool has_ended_ = false;
  int status_ = 0;
};

/// Runs any program with these arguments (no shell) and waits for it.
Finished run_program(const std::vector<std::string>& command);

/// Runs `build/strata` with these arguments (no shell) and waits for it.
Finished run_strata(const std::vector<std::string>& arguments);

/// The command that run_strata runs.
std::vector<std::string> strata_command(const std::vector<std::string>& arguments);

}  // namespace strata::test
