#include <unistd.h>

#include <algorithm>
#include <map>

#include "strata/base/check.h"
#include "text.h"
#include "workers.h"

namespace strata::workers {
namespace {

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

}  // namespace

std::vector<std::string> worker_environment(const LaunchOptions& options, const Ranks& ranks, int local_rank) {
  std::map<std::string, std::string> variables = own_environment();
  const auto set = [&](const char* name, int value) { variables[name] = std::to_string(value); };
  set("RANK", ranks.first + local_rank);
  set("ROLE_RANK", ranks.first + local_rank);
  set("LOCAL_RANK", local_rank);
  set("WORLD_SIZE", ranks.world_size);
  set("ROLE_WORLD_SIZE", ranks.world_size);
  set("LOCAL_WORLD_SIZE", options.workers);
  set("GROUP_RANK", options.node);
  set("GROUP_WORLD_SIZE", options.nodes);
  set("MASTER_PORT", ranks.port);
  set("TORCHELASTIC_RESTART_COUNT", ranks.attempt);
  set("TORCHELASTIC_MAX_RESTARTS", options.max_restarts);
  variables["ROLE_NAME"] = "default";
  variables["MASTER_ADDR"] = options.master_host;
  variables["TORCHELASTIC_RUN_ID"] = options.run_id;
  variables["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  variables.try_emplace("OMP_NUM_THREADS", std::to_string(std::max(1, available_cores() / options.workers)));
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) environment.push_back(str(name, "=", value));
  return environment;
}

}  // namespace strata::workers
