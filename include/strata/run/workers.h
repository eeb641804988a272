#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "strata/config/run_config.h"
#include "strata/run/device.h"
#include "strata/run/input.h"
#include "strata/train/checkpoint/save_group.h"
#include "strata/workers/communicator.h"
#include "strata/workers/heartbeat.h"
#include "strata/workers/introduction.h"
#include "strata/workers/worker.h"

namespace strata::run {

/// The workers of this run, with this process as one of them.
struct Workers {
  workers::Worker self;
  std::chrono::seconds timeout{0};
  std::optional<workers::Store> store = {};  // none for a worker that is alone, and so on
  std::vector<workers::Introduction> introductions = {};
  std::unique_ptr<workers::Heartbeat> heart = nullptr;
  std::unique_ptr<workers::Communicator> communicator = nullptr;

  /// What checkpoints are saved together with.
  train::SaveGroup save_group() const;

  /// From now on a worker that is lost or stuck is found: this process says so and ends with exit code 1.
  void watch_each_other();

  /// A good end, which no worker takes for a loss. Waits until all have come to it.
  void leave() const;
};

/// What must be the same on every worker, label and value.
using Agreement = std::vector<std::pair<std::string, std::string>>;

/// Meets the others that the environment speaks of. From here on only the first worker logs more than warnings, and the
/// others' lines begin with their rank. Throws UsageError, naming what differs, where what was agreed on or versions or
/// numbers of threads do.
Workers join_workers(const Agreement& agreement, const config::ParallelConfig& parallel, const RunDevice& device);

/// The same for a training run, whose configs and data must agree.
Workers join_workers(const config::RunConfig& config, const RunInput& input, const RunDevice& device);

/// Workers that have met in `store` and compute on such devices, connected over what parallel.backend names; those with
/// GPUs over NCCL, and over Gloo for what lies in their hosts' memory. Throws what connect_gloo and connect_nccl throw,
/// and UsageError for a backend that cannot carry what lies on the device.
std::unique_ptr<workers::Communicator> connect_workers(const workers::Store& store, const workers::Worker& self,
                                                       const config::ParallelConfig& config, at::DeviceType device,
                                                       workers::Store::Seconds timeout);

/// Throws UsageError on a worker that does not see the folder of the first worker at this path, which must exist there.
void check_shared(const std::filesystem::path& run, workers::Communicator& workers);

}  // namespace strata::run
