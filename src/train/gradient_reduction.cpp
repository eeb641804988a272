#include "strata/train/gradient_reduction.h"

#include <ATen/ops/add.h>

#include <bit>

#include "strata/base/arena_operations.h"
#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::train {

GradientReduction::GradientReduction(nn::Parameters& parameters, const workers::Partition& partition,
                                     const Division& division, workers::Communicator& workers, const Options& options,
                                     Allocator& allocator)
    : parameters_(parameters),
      partition_(partition),
      workers_(workers),
      options_(options),
      virtual_ranks_(division.ranks_per_worker()) {
  const at::Tensor& gradients = parameters.gradients();
  for (int64_t ranks = 1; ranks < virtual_ranks_; ranks *= 2) {
    partial_sums_.push_back(allocator.zeros(MemoryClass::kPartialSums, str("gradients of ", ranks, " virtual ranks"),
                                            gradients.sizes(), gradients.scalar_type()));
  }
}

void GradientReduction::begin() {
  parameters_.zero_gradients();
  virtual_rank_ = 0;
  next_bucket_ = partition_.buckets().size();
  under_way_.clear();
}

at::Tensor GradientReduction::range_of(const at::Tensor& arena, const ArenaRange& range) const {
  return arena.narrow(0, range.begin, range.size());
}

nn::FinalGradients GradientReduction::when_final() {
  const bool has_others = workers_.world_size() > 1 || !partial_sums_.empty();
  if (!is_last_virtual_rank() || !has_others) return {};
  return [this](const ArenaRange& section) {
    add_partial_sums(section, partial_sums_.size());  // the ranks before have left one of every power of two
    send_down_to(section.begin);
  };
}

// The first `count` of them, smallest first.
void GradientReduction::add_partial_sums(const ArenaRange& range, size_t count) {
  const at::Tensor gradients = range_of(parameters_.gradients(), range);
  for (size_t digit = 0; digit < count; ++digit) add_to_arena(gradients, range_of(partial_sums_[digit], range));
}

void GradientReduction::end_virtual_rank() {
  if (is_last_virtual_rank()) return;
  const at::Tensor& gradients = parameters_.gradients();
  // As in counting with binary digits: virtual_rank_ ends with as many ones as there are sums to be carried.
  const auto carried = static_cast<size_t>(std::countr_one(static_cast<uint64_t>(virtual_rank_)));
  add_partial_sums({0, gradients.numel()}, carried);
  copy_arena(partial_sums_[carried], gradients);
  zero_arena(gradients);
  ++virtual_rank_;
}

// Sends the buckets from `begin` on that have not left yet, last ones first.
void GradientReduction::send_down_to(int64_t begin) {
  if (workers_.world_size() == 1) return;
  for (; next_bucket_ > 0 && partition_.buckets()[next_bucket_ - 1].begin >= begin; --next_bucket_) {
    const ArenaRange& bucket = partition_.buckets()[next_bucket_ - 1];
    const at::Tensor values = range_of(parameters_.gradients(), bucket);
    const at::Tensor mine = range_of(parameters_.gradients(), partition_.slice(bucket));
    const workers::SliceSizes sizes = partition_.slice_sizes(bucket);
    under_way_.push_back(workers_.reduce_scatter(mine, values, sizes, options_.order));
    if (!options_.sharded) under_way_.push_back(workers_.all_gather(values, mine, sizes));
  }
}

void GradientReduction::finish() {
  STRATA_ASSERT(is_last_virtual_rank());
  send_down_to(0);
  for (const workers::Handle& work : under_way_) work->wait();
  under_way_.clear();
}

}  // namespace strata::train
