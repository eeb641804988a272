#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/base/allocator.h"
#include "strata/config/run_config.h"
#include "strata/nn/model_spec.h"

namespace strata::plan {

/// What auto chooses from, the least recomputation first.
inline constexpr config::Recompute kRecomputes[] = {config::Recompute::kNone, config::Recompute::kFfn,
                                                    config::Recompute::kLayer};

/// Where a run computes: `workers` processes, each with a device of its own, or sharing a host's processor and memory.
struct Place {
  at::DeviceType device = at::kCPU;
  int workers = 1;
};

/// What one worker of a run takes beside the program itself.
struct MemoryPlan {
  Allocator buffers;     // the layout of the run, made by the code that will allocate it
  int64_t batches = 0;   // bytes of the batches that are kept ready, at most
  int64_t exchange = 0;  // bytes in which a communicator adds up a bucket of gradients

  /// In the memory that it computes in.
  int64_t device_bytes() const;
  /// In the host's memory beside that; on the CPU all is in one.
  int64_t host_bytes() const;
};

/// What device_bytes() consists of, under the names that people see; nothing that is empty.
std::vector<std::pair<std::string, int64_t>> bytes_by_class(const MemoryPlan& plan);

/// train.recompute must not be auto. The first worker takes the most. Throws UsageError where the workers cannot share
/// the work.
MemoryPlan plan_memory(const config::RunConfig& config, const nn::ModelSpec& spec, const Place& place, int rank = 0);

/// Bytes that each of some processes could take of this host's memory by now; where the system does not say, more than
/// there can be.
int64_t room_on_this_host(int64_t processes = 1);

/// Whether parallel.virtual_ranks may be the number of workers: then none has partial sums of gradients.
bool can_have_one_rank_each(int workers);

/// The sizes of micro-batches that divide train.global_batch and that so many workers can share, rising.
std::vector<int64_t> possible_micro_batches(const config::RunConfig& config, int workers);

/// The largest of them with which the device needs at most `room` bytes; 0: none.
int64_t largest_micro_batch(config::RunConfig config, const nn::ModelSpec& spec, const Place& place, int64_t room);

/// What train.recompute comes to where the device has `room` bytes: auto takes the first of none, ffn and layer that
/// fits, another value stays what it is. Nothing where that does not fit.
std::optional<config::Recompute> fitting_recompute(const config::RunConfig& config, const nn::ModelSpec& spec,
                                                   const Place& place, int64_t room);

/// For plans: the config with that in place of auto, the most of it where nothing fits.
config::RunConfig with_recompute(config::RunConfig config, const nn::ModelSpec& spec, const Place& place, int64_t room);

/// What fitting_recompute says, but throws UsageError where nothing fits, naming both numbers of bytes and what would
/// fit. The same arguments give the same on every worker.
config::Recompute settle_recompute(const config::RunConfig& config, const nn::ModelSpec& spec, const Place& place,
                                   int64_t room);

}  // namespace strata::plan
