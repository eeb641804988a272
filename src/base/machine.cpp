#include "strata/base/machine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace strata {
namespace {

namespace fs = std::filesystem;

// The value behind the first "key : value" of a file under /proc; empty if there is none.
std::string proc_value(const std::string& file, const std::string& key) {
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

bool is_numbered_gpu(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename();
  return name.starts_with("nvidia") && name.size() > 6 && std::all_of(name.begin() + 6, name.end(), ::isdigit);
}

// As CUDA counts: what CUDA_VISIBLE_DEVICES lists up to the first entry that names none.
int gpus_of_list(const std::string& list) {
  int count = 0;
  std::istringstream devices(list);
  for (std::string device; std::getline(devices, device, ',') && !device.empty() && device[0] != '-';) ++count;
  return count;
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

std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string words{std::istreambuf_iterator<char>(file), {}};
  std::ranges::replace(words, '\0', ' ');
  return words.substr(0, words.find_last_not_of(' ') + 1);
}

int64_t memory_bytes() { return proc_bytes("/proc/meminfo", "MemTotal"); }
int64_t available_memory_bytes() { return proc_bytes("/proc/meminfo", "MemAvailable"); }
int64_t resident_bytes() { return proc_bytes("/proc/self/status", "VmRSS"); }
int64_t peak_resident_bytes() { return proc_bytes("/proc/self/status", "VmHWM"); }

std::vector<std::string> gpu_names() {
  std::error_code ignored;
  std::vector<std::string> names;
  for (const auto& gpu : fs::directory_iterator("/proc/driver/nvidia/gpus", ignored)) {
    const std::string name = proc_value(gpu.path() / "information", "Model");
    names.push_back(name.empty() ? "unknown" : name);
  }
  // In a container there may be only some of them.
  const auto devices = std::ranges::count_if(fs::directory_iterator("/dev", ignored), is_numbered_gpu);
  if (devices > 0) names.resize(static_cast<size_t>(devices), names.empty() ? "unknown" : names.front());
  return names;
}

int gpu_count() {
  if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES")) return gpus_of_list(visible);
  return static_cast<int>(gpu_names().size());
}

}  // namespace strata
