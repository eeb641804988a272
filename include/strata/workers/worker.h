#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "strata/workers/store.h"

namespace strata::workers {

/// Who this process is among the workers of a run, from its environment.
struct Worker {
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;  // on this host
  int local_world_size = 1;
  std::string master_host = {};  // where the store is served
  uint16_t master_port = 0;
  bool launcher_serves = false;  // else rank 0 does
  int attempt = 0;               // restarts so far

  bool operator==(const Worker&) const = default;
};

/// From torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT,
/// TORCHELASTIC_USE_AGENT_STORE, TORCHELASTIC_RESTART_COUNT), else from Slurm's (SLURM_PROCID, SLURM_NTASKS,
/// SLURM_LOCALID, SLURM_NODEID, SLURM_TASKS_PER_NODE or SLURM_NTASKS_PER_NODE, SLURM_STEP_NODELIST or
/// SLURM_JOB_NODELIST unless MASTER_ADDR is set, SLURM_JOB_ID unless MASTER_PORT is); nothing where neither are there
/// or Slurm has one task. Throws UsageError, naming the variable and its value, for one that is missing or makes no
/// sense.
std::optional<Worker> worker_of_environment();

/// The store of this attempt, which rank 0 serves for as long as it keeps it unless the launcher does. Throws Error
/// when it is not there within `timeout`.
Store meet(const Worker& worker, Store::Seconds timeout);

}  // namespace strata::workers
