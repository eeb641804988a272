#include "support/launching.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "strata/base/check.h"
#include "support/wait_until.h"

namespace strata::test {
namespace {

// Whether it runs: one that has ended may still wait for whoever inherited it.
bool runs(pid_t pid) {
  std::ifstream status(str("/proc/", pid, "/stat"));
  std::string text;
  std::getline(status, text);
  const size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.compare(name_end, 3, ") Z") != 0;
}

// Files are called ATTEMPT_RANK and hold the process id.
std::vector<pid_t> pids_in(const std::filesystem::path& folder, const std::string& prefix) {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(prefix)) continue;
    std::ifstream(entry.path()) >> pids.emplace_back();
  }
  return pids;
}

}  // namespace

Words launch_command(const Words& flags, const std::string& script, const Words& variables) {
  Words words{"env"};
  words.insert(words.end(), variables.begin(), variables.end());
  for (const std::string& word : strata_command({"launch", "--no-python"})) words.push_back(word);
  words.insert(words.end(), flags.begin(), flags.end());
  words.insert(words.end(), {"/bin/sh", "-c", script});
  return words;
}

Finished launch(const Words& flags, const std::string& script, const Words& variables) {
  return run_program(launch_command(flags, script, variables));
}

Words lines_of(const std::string& text) {
  std::istringstream stream(text);
  Words lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string ReadyWorkers::ready() const {
  const std::string folder = folder_.path();
  return str("echo $$ > ", folder, "/.$RANK; mv ", folder, "/.$RANK ", folder,
             "/${TORCHELASTIC_RESTART_COUNT}_$RANK; ");
}

std::string ReadyWorkers::wait_for(int rank) const {
  return str("while [ ! -e ", folder_.path().string(), "/0_", rank, " ]; do sleep 0.01; done; ");
}

std::vector<pid_t> ReadyWorkers::wait(size_t count, int attempt) const {
  const std::string prefix = str(attempt, "_");
  if (!wait_until([&] { return pids_in(folder_.path(), prefix).size() == count; })) {
    throw std::runtime_error(str("no ", count, " workers came to attempt ", attempt));
  }
  return pids_in(folder_.path(), prefix);
}

std::vector<pid_t> ReadyWorkers::left() const {
  std::vector<pid_t> pids = pids_in(folder_.path(), "");
  std::erase_if(pids, [](pid_t pid) { return !runs(pid); });
  return pids;
}

}  // namespace strata::test
