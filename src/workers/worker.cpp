#include "strata/workers/worker.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "strata/base/check.h"

namespace strata::workers {
namespace {

using Text = std::optional<std::string>;

Text variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? Text() : Text(value);
}

bool is_set(const char* name) { return std::getenv(name) != nullptr; }

[[noreturn]] void makes_no_sense(const char* name, std::string_view value, std::string_view reason) {
  throw UsageError(str("environment: ", name, "=", value, " ", reason));
}

// `sign` is the variable that says whose environment this is.
std::string required(const char* name, const char* sign) {
  Text value = variable(name);
  if (!value.has_value()) throw UsageError(str("environment: ", sign, " is set, but ", name, " is not"));
  return *value;
}

int64_t parse_number(const char* name, std::string_view text, int64_t least, int64_t most) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end || value < least || value > most) {
    makes_no_sense(name, text, str("is not a number from ", least, " to ", most));
  }
  return value;
}

constexpr int64_t kMostWorkers = 1 << 20;

int required_number(const char* name, const char* sign, int64_t least, int64_t most) {
  return static_cast<int>(parse_number(name, required(name, sign), least, most));
}

uint16_t port_number(const std::string& text) {
  return static_cast<uint16_t>(parse_number("MASTER_PORT", text, 1, UINT16_MAX));
}

bool launcher_serves() {
  const Text value = variable("TORCHELASTIC_USE_AGENT_STORE");
  if (!value.has_value() || *value == "False") return false;
  if (*value != "True") makes_no_sense("TORCHELASTIC_USE_AGENT_STORE", *value, "is neither True nor False");
  return true;
}

Worker worker_of_torchrun(const char* sign) {
  Worker worker;
  worker.world_size = required_number("WORLD_SIZE", sign, 1, kMostWorkers);
  worker.rank = required_number("RANK", sign, 0, worker.world_size - 1);
  worker.local_world_size = required_number("LOCAL_WORLD_SIZE", sign, 1, worker.world_size);
  worker.local_rank = required_number("LOCAL_RANK", sign, 0, worker.local_world_size - 1);
  worker.master_host = required("MASTER_ADDR", sign);
  worker.master_port = port_number(required("MASTER_PORT", sign));
  worker.launcher_serves = launcher_serves();
  const std::string attempt = variable("TORCHELASTIC_RESTART_COUNT").value_or("0");
  worker.attempt = static_cast<int>(parse_number("TORCHELASTIC_RESTART_COUNT", attempt, 0, INT32_MAX));
  return worker;
}

// Slurm's lists of hosts: "a,b" -> "a", "node[03-05,9]" -> "node03", "rack[1-2]n[4,7]" -> "rack1n4".
std::string first_host(const char* name, const std::string& list) {
  std::string host;
  for (size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    const size_t first_end = list.find_first_of(",-]", i);
    const size_t close = list.find(']', i);
    if (close == std::string::npos) makes_no_sense(name, list, "is not a list of hosts");
    host += list.substr(i + 1, first_end - i - 1);
    i = close;
  }
  if (host.empty()) makes_no_sense(name, list, "is not a list of hosts");
  return host;
}

// Slurm's tasks of each node, "4(x2),3": how many node `node` has.
int64_t tasks_of_node(const char* name, const std::string& list, int64_t node, int64_t most) {
  int64_t nodes_before = 0;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string_view entry = std::string_view(list).substr(begin, end - begin);
    const size_t open = entry.find("(x");
    int64_t times = 1;
    if (open != std::string_view::npos) {
      if (!entry.ends_with(')')) makes_no_sense(name, list, "is not a list of tasks per node");
      times = parse_number(name, entry.substr(open + 2, entry.size() - open - 3), 1, kMostWorkers);
    }
    const int64_t tasks = parse_number(name, entry.substr(0, open), 1, most);
    nodes_before += times;
    if (node < nodes_before) return tasks;
    begin = end + 1;
  }
  makes_no_sense(name, list, str("says nothing of node SLURM_NODEID=", node));
}

int local_world_size_of_slurm(const char* sign, int world_size) {
  const Text per_node = variable("SLURM_TASKS_PER_NODE");
  if (!per_node.has_value()) return required_number("SLURM_NTASKS_PER_NODE", sign, 1, world_size);
  const int64_t node = parse_number("SLURM_NODEID", variable("SLURM_NODEID").value_or("0"), 0, kMostWorkers);
  return static_cast<int>(tasks_of_node("SLURM_TASKS_PER_NODE", *per_node, node, world_size));
}

std::string master_of_slurm(const char* sign) {
  if (is_set("MASTER_ADDR")) return required("MASTER_ADDR", sign);
  // A step may have fewer hosts than its job.
  const char* name = is_set("SLURM_STEP_NODELIST") ? "SLURM_STEP_NODELIST" : "SLURM_JOB_NODELIST";
  return first_host(name, required(name, sign));
}

uint16_t port_of_slurm(const char* sign) {
  if (const Text port = variable("MASTER_PORT")) return port_number(*port);
  const int64_t job = parse_number("SLURM_JOB_ID", required("SLURM_JOB_ID", sign), 0, INT64_MAX);
  return static_cast<uint16_t>(20000 + job % 10000);
}

std::optional<Worker> worker_of_slurm() {
  const char* sign = "SLURM_PROCID";
  Worker worker;
  worker.world_size = required_number("SLURM_NTASKS", sign, 1, kMostWorkers);
  if (worker.world_size == 1) return std::nullopt;
  worker.rank = required_number("SLURM_PROCID", sign, 0, worker.world_size - 1);
  worker.local_world_size = local_world_size_of_slurm(sign, worker.world_size);
  worker.local_rank = required_number("SLURM_LOCALID", sign, 0, worker.local_world_size - 1);
  worker.master_host = master_of_slurm(sign);
  worker.master_port = port_of_slurm(sign);
  return worker;
}

}  // namespace

std::optional<Worker> worker_of_environment() {
  for (const char* sign : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"}) {
    if (is_set(sign)) return worker_of_torchrun(sign);
  }
  // Without SLURM_PROCID this is a job's shell, not one of its tasks.
  return is_set("SLURM_PROCID") ? worker_of_slurm() : std::nullopt;
}

Store meet(const Worker& worker, Store::Seconds timeout) {
  const bool serves = worker.rank == 0 && !worker.launcher_serves;
  const Store store = serves ? Store::serve(worker.master_port, worker.master_host)
                             : Store::connect(worker.master_host, worker.master_port, timeout);
  // Where torchrun's workers keep theirs; what an attempt before left there is not found.
  return store.under(str("/worker/attempt_", worker.attempt, "/"));
}

}  // namespace strata::workers
