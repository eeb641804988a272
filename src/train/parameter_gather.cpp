#include "strata/train/parameter_gather.h"

#include <ATen/ops/tensor.h>

#include <algorithm>

#include "strata/base/arena_operations.h"
#include "strata/kernels/sums.h"

namespace strata::train {
namespace {

std::vector<int64_t> places_of_gates(const nn::Parameters& parameters) {
  std::vector<int64_t> places;
  for (const ParamSpec& param : parameters.layout().params) {
    if (param.role != ParameterRole::kGate) continue;
    places.push_back(-1);
    each_part(parameters.master_ranges(), place_of(param),
              [&](const ArenaRange&, int64_t place) { places.back() = place; });
  }
  return places;
}

}  // namespace

ParameterGather::ParameterGather(nn::Parameters& parameters, const workers::Partition& partition,
                                 workers::Communicator& workers, Allocator& allocator)
    : parameters_(parameters), partition_(partition), workers_(workers) {
  if (!parameters.shares_master()) return;
  const auto zeros = [&](const char* name, int64_t size, at::ScalarType dtype) {
    return allocator.zeros(MemoryClass::kWorkspace, name, {size}, dtype);
  };
  places_of_gates_G_ = zeros("places of shared gates", parameters.gates_G().numel(), at::kLong);
  if (!allocator.is_planning()) places_of_gates_G_.copy_(at::tensor(places_of_gates(parameters), at::kLong));
  const int64_t largest = std::ranges::max(partition.buckets(), {}, &ArenaRange::size).size();
  bucket_ = zeros("a bucket of master values", largest, parameters.master().scalar_type());
}

void ParameterGather::start() {
  finish();
  if (workers_.world_size() == 1) return;
  if (parameters_.shares_master()) {
    const at::Tensor& gates_G = parameters_.gates_G();
    kernels::values_at(gates_G, parameters_.master(), places_of_gates_G_);
    // Of one value and noughts: exact in any order.
    arriving_.push_back({{}, workers_.all_reduce(gates_G, workers::SumOrder::kFast)});
  }
  for (const ArenaRange& bucket : partition_.buckets()) {
    const ArenaRange mine = partition_.slice(bucket);
    const at::Tensor& values = parameters_.values();
    arriving_.push_back(
        {bucket, workers_.all_gather(values.narrow(0, bucket.begin, bucket.size()),
                                     values.narrow(0, mine.begin, mine.size()), partition_.slice_sizes(bucket))});
  }
}

void ParameterGather::wait_for(const ArenaRange& section) {
  while (!arriving_.empty() && arriving_.front().bucket.begin < section.end) {
    arriving_.front().work->wait();
    arriving_.pop_front();
  }
}

void ParameterGather::collect_master(const at::Tensor& arena) {
  if (!parameters_.shares_master()) {
    if (arena.defined()) copy_arena(arena, parameters_.master());
    return;
  }
  int64_t place = 0;
  for (const ArenaRange& bucket : partition_.buckets()) {
    const int64_t size = partition_.slice(bucket).size();
    const at::Tensor whole = bucket_.narrow(0, 0, bucket.size());
    const at::Tensor mine = parameters_.master().narrow(0, place, size);
    workers_.all_gather(whole, mine, partition_.slice_sizes(bucket))->wait();
    if (arena.defined()) copy_arena(arena.narrow(0, bucket.begin, bucket.size()), whole);
    place += size;
  }
}

}  // namespace strata::train
