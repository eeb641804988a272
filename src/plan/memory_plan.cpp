#include "strata/plan/memory_plan.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "strata/base/check.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/data/token_batch.h"
#include "strata/train/training.h"

namespace strata::plan {
namespace {

using config::Recompute;

// Beside those that are ready: the one that is being prepared and the one that is computed.
int64_t bytes_of_batches(const config::RunConfig& config, int workers) {
  const int64_t tokens = config.train.global_batch / workers * config.data.sequence_length;
  return (config.data.prefetch + 2) * tokens * data::kBytesPerToken;
}

// In the fixed order a worker gets its slice of a bucket from all of them before it adds them up.
int64_t bytes_of_exchange(const config::RunConfig& config, const train::Training& training) {
  if (training.division.world_size == 1 || config.parallel.order == config::SumOrder::kFast) return 0;
  const workers::Partition& partition = training.partitions.gradients;
  int64_t largest = 0;  // slice
  for (const ArenaRange& bucket : partition.buckets()) largest = std::max(largest, partition.slice(bucket).size());
  return training.division.world_size * largest *
         static_cast<int64_t>(training.model.parameters().gradients().element_size());
}

std::string named(Recompute recompute) { return "train.recompute=" + std::string(config::enum_name(recompute)); }

// Micro-batches that would fit, with each way to recompute, as "train.micro_batch=8 with train.recompute=ffn".
std::vector<std::string> fitting_sizes(config::RunConfig config, const nn::ModelSpec& spec, const Place& place,
                                       int64_t room) {
  std::vector<std::string> ways;
  for (const Recompute recompute : kRecomputes) {
    config.train.recompute = recompute;
    const int64_t largest = largest_micro_batch(config, spec, place, room);
    if (largest >= config.train.micro_batch) return {named(recompute)};
    if (largest > 0) ways.push_back(str("train.micro_batch=", largest, " with ", named(recompute)));
  }
  return ways;
}

// The end of a sentence about a config that does not fit.
std::string what_would_fit(config::RunConfig config, const nn::ModelSpec& spec, const Place& place, int64_t room) {
  std::vector<std::string> ways = fitting_sizes(config, spec, place, room);
  std::string and_this;
  const bool alone = place.workers == 1;
  if (ways.empty() && (alone || config.lisa.layers == 0)) {
    (alone ? config.parallel.virtual_ranks : config.parallel.zero) = 1;
    and_this = alone ? " and parallel.virtual_ranks=1" : " and parallel.zero=1";
    ways = fitting_sizes(config, spec, place, room);
  }
  if (ways.empty() && !alone && config.lisa.layers == 0 && can_have_one_rank_each(place.workers)) {
    config.parallel.virtual_ranks = place.workers;
    and_this += str(" and parallel.virtual_ranks=", config.parallel.virtual_ranks);
    ways = fitting_sizes(config, spec, place, room);
  }
  if (ways.empty() && place.device == at::kCPU) {
    config.checkpoint.asynchronous = false;
    and_this += " and checkpoint.asynchronous=false";
    ways = fitting_sizes(config, spec, place, room);
  }
  return ways.empty() ? "no micro-batch would fit" : join(ways, ", or ") + and_this + " would fit";
}

}  // namespace

bool can_have_one_rank_each(int workers) {
  return workers <= 64 && std::has_single_bit(static_cast<uint64_t>(workers));
}

int64_t MemoryPlan::device_bytes() const {
  const int64_t bytes = buffers.device_bytes() + exchange;
  return buffers.device_type() == at::kCPU ? bytes + batches : bytes;
}

int64_t MemoryPlan::host_bytes() const {
  return buffers.device_type() == at::kCPU ? 0 : buffers.host_bytes() + batches;
}

std::vector<std::pair<std::string, int64_t>> bytes_by_class(const MemoryPlan& plan) {
  std::vector<std::pair<std::string, int64_t>> classes;
  const auto add = [&](const std::string& name, int64_t bytes) {
    if (bytes > 0) classes.emplace_back(name, bytes);
  };
  for (const MemoryClass memory_class : kMemoryClasses) {
    if (!plan.buffers.is_on_host(memory_class)) add(name_of(memory_class), plan.buffers.bytes(memory_class));
  }
  add("communication", plan.exchange);
  if (plan.buffers.device_type() == at::kCPU) add("batches", plan.batches);
  return classes;
}

MemoryPlan plan_memory(const config::RunConfig& config, const nn::ModelSpec& spec, const Place& place, int rank) {
  const auto gemm = kernels::make_gemm("aten");  // never called
  const auto workers = workers::imagined(rank, place.workers);
  MemoryPlan plan{.buffers = Allocator::planning(place.device)};
  const train::Training training(config, spec, *gemm, *workers, {}, plan.buffers);
  plan.batches = bytes_of_batches(config, place.workers);
  plan.exchange = bytes_of_exchange(config, training);
  return plan;
}

int64_t room_on_this_host(int64_t processes) {
  const int64_t available = available_memory_bytes();
  return (available > 0 ? available : std::numeric_limits<int64_t>::max() / 2) / processes;
}

std::vector<int64_t> possible_micro_batches(const config::RunConfig& config, int workers) {
  std::vector<int64_t> sizes;
  config::RunConfig tried = config;
  for (int64_t size = 1; size <= config.train.global_batch; ++size) {
    if (config.train.global_batch % size != 0) continue;
    tried.train.micro_batch = size;
    try {
      tried.validate();
      train::divide(tried, workers);
      sizes.push_back(size);
    } catch (const UsageError&) {  // this one is not possible
    }
  }
  return sizes;
}

int64_t largest_micro_batch(config::RunConfig config, const nn::ModelSpec& spec, const Place& place, int64_t room) {
  std::vector<int64_t> sizes = possible_micro_batches(config, place.workers);
  std::ranges::reverse(sizes);  // memory does not always rise with them: fewer leave fewer partial sums
  for (const int64_t size : sizes) {
    config.train.micro_batch = size;
    if (plan_memory(config, spec, place).device_bytes() <= room) return size;
  }
  return 0;
}

std::optional<Recompute> fitting_recompute(const config::RunConfig& config, const nn::ModelSpec& spec,
                                           const Place& place, int64_t room) {
  config::RunConfig tried = config;
  for (const Recompute recompute : kRecomputes) {
    if (config.train.recompute != Recompute::kAuto && recompute != config.train.recompute) continue;
    tried.train.recompute = recompute;
    if (plan_memory(tried, spec, place).device_bytes() <= room) return recompute;
  }
  return std::nullopt;
}

config::RunConfig with_recompute(config::RunConfig config, const nn::ModelSpec& spec, const Place& place,
                                 int64_t room) {
  if (config.train.recompute != Recompute::kAuto) return config;
  config.train.recompute = fitting_recompute(config, spec, place, room).value_or(Recompute::kLayer);
  return config;
}

Recompute settle_recompute(const config::RunConfig& config, const nn::ModelSpec& spec, const Place& place,
                           int64_t room) {
  if (const auto fitting = fitting_recompute(config, spec, place, room)) return *fitting;
  const config::RunConfig tried = with_recompute(config, spec, place, room);
  const int64_t needed = plan_memory(tried, spec, place).device_bytes();
  throw UsageError(str("train.micro_batch=", config.train.micro_batch, " with ", named(tried.train.recompute),
                       " needs ", human_bytes(needed), " of memory, ", human_bytes(room), " are there; ",
                       what_would_fit(config, spec, place, room)));
}

}  // namespace strata::plan
