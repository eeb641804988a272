#pragma once

#include <string>
#include <vector>

#include "strata/workers/launcher.h"

namespace strata::workers {

/// The command line of `strata launch` as it was typed: torchrun's flags, and some of ours.
struct LaunchFlags {
  std::string nproc_per_node = "1";
  std::string nnodes = "1";
  std::string node_rank = "";
  std::string master_addr = "";
  std::string master_port = "";
  bool standalone = false;
  std::string rdzv_backend = "static";
  std::string rdzv_endpoint = "";
  std::string rdzv_id = "none";
  std::string max_restarts = "0";
  std::string monitor_interval = "0.1";
  std::string grace_seconds = "40";
  std::string join_timeout = "300";
  std::string node_timeout = "60";
  std::string log_dir = "";
  std::string redirects = "";
  std::string tee = "";
  std::string local_ranks_filter = "";
  bool no_python = false;  // `command` names any program; else a command of this one
  std::vector<std::string> command = {};
};

/// torchrun's variable that a flag defaults from: "--max-restarts" -> "PET_MAX_RESTARTS".
std::string variable_of(const std::string& flag);

/// Throws UsageError, naming flag and value, for what makes no sense.
LaunchOptions options_of(const LaunchFlags& flags);

}  // namespace strata::workers
