#include "strata/workers/launcher_flags.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <limits>

#include "strata/base/check.h"
#include "strata/base/machine.h"
#include "text.h"

namespace strata::workers {
namespace {

namespace fs = std::filesystem;

constexpr int kDefaultPort = 29500;  // torchrun's

int workers_of(const std::string& text) {
  if (text == "cpu") return available_cores();
  if (text != "gpu" && text != "auto") {
    if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) == 0) {
      throw UsageError(str("--nproc-per-node=", text, ": expected a number of workers, gpu, cpu or auto"));
    }
    return whole_number("--nproc-per-node", text, 1, kMostWorkers);
  }
  const int gpus = gpu_count();
  if (gpus > 0) return gpus;
  if (text == "gpu") throw UsageError("--nproc-per-node=gpu: no GPU is visible here");
  return available_cores();
}

int nodes_of(const std::string& text) {
  const std::vector<std::string> ends = split(text, ':');
  if (ends.size() == 2 && ends[0] != ends[1]) {
    throw UsageError(str("--nnodes=", text, ": the number of nodes is fixed here; write one number"));
  }
  if (ends.size() > 2) throw UsageError(str("--nnodes=", text, ": expected the number of nodes"));
  return whole_number("--nnodes", ends[0], 1, kMostWorkers);
}

// An IPv6 address stands in brackets where a port follows it.
std::string without_brackets(const std::string& host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' ? host.substr(1, host.size() - 2) : host;
}

// host:port of --rdzv-endpoint stands in for --master-addr and --master-port where those are absent.
void take_endpoint(LaunchFlags& flags) {
  if (flags.rdzv_endpoint.empty()) return;
  const size_t colon = flags.rdzv_endpoint.find(':', flags.rdzv_endpoint.rfind(']') + 1);
  if (flags.master_addr.empty()) flags.master_addr = flags.rdzv_endpoint.substr(0, colon);
  if (flags.master_port.empty() && colon != std::string::npos) {
    flags.master_port = flags.rdzv_endpoint.substr(colon + 1);
  }
}

void check_rendezvous(const LaunchFlags& flags) {
  if (flags.rdzv_backend == "static") return;
  throw UsageError(str("--rdzv-backend=", flags.rdzv_backend,
                       ": nodes are numbered here: static, with --node-rank, --master-addr and --master-port"));
}

void place_single(const LaunchFlags& flags, LaunchOptions& options) {
  if (!flags.node_rank.empty()) options.node = whole_number("--node-rank", flags.node_rank, 0, 0);
  if (!flags.master_addr.empty() && !flags.standalone) options.master_host = flags.master_addr;
  if (!flags.master_port.empty() && !flags.standalone) {
    options.master_port = static_cast<uint16_t>(whole_number("--master-port", flags.master_port, 0, kLastPort));
  }
}

void place_among_nodes(const LaunchFlags& flags, LaunchOptions& options) {
  const std::string several = str("--nnodes=", flags.nnodes);
  if (flags.standalone) throw UsageError(str("--standalone is for one node, not ", several));
  if (flags.node_rank.empty()) throw UsageError(str(several, " needs --node-rank: this node's number, from 0"));
  if (flags.master_addr.empty()) throw UsageError(str(several, " needs --master-addr: the host of node 0"));
  options.node = whole_number("--node-rank", flags.node_rank, 0, options.nodes - 1);
  options.master_host = flags.master_addr;
  const std::string port = flags.master_port.empty() ? std::to_string(kDefaultPort) : flags.master_port;
  options.master_port =
      static_cast<uint16_t>(whole_number("--master-port", port, options.node == 0 ? 0 : 1, kLastPort));
}

// The file that a shell would run under this name.
std::string find_program(const std::string& name) {
  std::vector<std::string> candidates;
  if (name.find('/') != std::string::npos) {
    candidates.push_back(name);
  } else {
    const char* path = std::getenv("PATH");
    for (const std::string& folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
      candidates.push_back(fs::path(folder.empty() ? "." : folder) / name);
    }
  }
  for (const std::string& candidate : candidates) {
    if (fs::is_regular_file(candidate) && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw UsageError(
      str("no program \"", name, "\" that can be run", candidates.size() == 1 ? "" : " in the folders of PATH"));
}

std::vector<std::string> command_of(const LaunchFlags& flags) {
  if (flags.command.empty()) throw UsageError("no command to launch");
  std::vector<std::string> command = flags.command;
  if (flags.no_python) {
    command[0] = find_program(command[0]);
  } else {
    command.insert(command.begin(), fs::read_symlink("/proc/self/exe").string());
  }
  return command;
}

// torchrun's: 1 stdout, 2 stderr, 3 both.
constexpr int kOut = 1;
constexpr int kErr = 2;
constexpr int kBoth = 3;

// "3", or "0:1,1:2": streams of each local rank.
std::vector<int> streams_of(const std::string& flag, const std::string& text, int workers) {
  std::vector<int> streams(static_cast<size_t>(workers), 0);
  if (text.empty()) return streams;
  if (text.find(':') == std::string::npos) {
    streams.assign(streams.size(), whole_number(flag, text, 0, kBoth));
    return streams;
  }
  for (const std::string& entry : split(text, ',')) {
    const std::vector<std::string> parts = split(entry, ':');
    if (parts.size() != 2) {
      throw UsageError(str(flag, "=", text, ": expected 0, 1 (stdout), 2 (stderr) or 3, or RANK:STREAMS,..."));
    }
    const int rank = whole_number(flag, parts[0], 0, workers - 1);
    streams[static_cast<size_t>(rank)] = whole_number(flag, parts[1], 0, kBoth);
  }
  return streams;
}

std::vector<bool> shown_ranks(const std::string& text, int workers) {
  std::vector<bool> shown(static_cast<size_t>(workers), text.empty());
  if (text.empty()) return shown;
  for (const std::string& rank : split(text, ',')) {
    shown[static_cast<size_t>(whole_number("--local-ranks-filter", rank, 0, workers - 1))] = true;
  }
  return shown;
}

// From --log-dir, --redirects, --tee and --local-ranks-filter, for every worker of this node.
std::vector<WorkerOutput> output_of(const LaunchFlags& flags, int workers) {
  const std::vector<int> redirects = streams_of("--redirects", flags.redirects, workers);
  std::vector<int> tee = streams_of("--tee", flags.tee, workers);
  if (flags.log_dir.empty()) {
    const std::vector<int> none(tee.size(), 0);
    if (tee != none || redirects != none) {
      throw UsageError(str(tee != none ? "--tee" : "--redirects", " needs --log-dir: where the files go"));
    }
  } else if (flags.redirects.empty() && flags.tee.empty()) {
    tee.assign(tee.size(), kBoth);
  }
  const std::vector<bool> shown = shown_ranks(flags.local_ranks_filter, workers);
  std::vector<WorkerOutput> outputs;
  for (size_t rank = 0; rank < tee.size(); ++rank) {
    const auto route = [&](int stream) {
      const bool tees = (tee[rank] & stream) != 0;
      const bool redirects_it = (redirects[rank] & stream) != 0;
      return OutputRoute{.to_console = shown[rank] && (tees || !redirects_it), .to_file = tees || redirects_it};
    };
    outputs.push_back({.out = route(kOut), .err = route(kErr)});
  }
  return outputs;
}

}  // namespace

std::string variable_of(const std::string& flag) {
  std::string name = "PET_";
  for (const char letter : flag.substr(2)) {
    name += letter == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return name;
}

LaunchOptions options_of(const LaunchFlags& given) {
  LaunchFlags flags = given;
  check_rendezvous(flags);
  take_endpoint(flags);
  flags.master_addr = without_brackets(flags.master_addr);
  LaunchOptions options;
  options.workers = workers_of(flags.nproc_per_node);
  options.nodes = nodes_of(flags.nnodes);
  if (options.nodes == 1) {
    place_single(flags, options);
  } else {
    place_among_nodes(flags, options);
  }
  options.max_restarts = whole_number("--max-restarts", flags.max_restarts, 0, std::numeric_limits<int>::max());
  options.monitor_interval = positive_seconds("--monitor-interval", flags.monitor_interval);
  options.grace = positive_seconds("--grace-seconds", flags.grace_seconds);
  options.join_timeout = positive_seconds("--join-timeout", flags.join_timeout);
  options.node_timeout = positive_seconds("--node-timeout", flags.node_timeout);
  options.run_id = flags.rdzv_id;
  options.log_dir = flags.log_dir;
  options.output = output_of(flags, options.workers);
  options.command = command_of(flags);
  return options;
}

}  // namespace strata::workers
