#include "strata/base/machine.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

namespace strata {
namespace {

// The value behind the first "key : value" of a file under /proc; empty if there is none.
std::string proc_value(const char* file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

int64_t proc_bytes(const char* file, const std::string& key) {
  int64_t kilobytes = 0;
  std::istringstream(proc_value(file, key)) >> kilobytes;
  return kilobytes * 1024;
}

}  // namespace

std::string processor_name() {
  const std::string name = proc_value("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown" : name;
}

std::string host_name() {
  std::array<char, 256> name = {};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

int64_t memory_bytes() { return proc_bytes("/proc/meminfo", "MemTotal"); }
int64_t available_memory_bytes() { return proc_bytes("/proc/meminfo", "MemAvailable"); }
int64_t peak_resident_bytes() { return proc_bytes("/proc/self/status", "VmHWM"); }

}  // namespace strata
