#include "strata/workers/partition.h"

#include <algorithm>

namespace strata::workers {
namespace {

int64_t rounded_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Partition::Partition(int64_t arena_size, int64_t bucket_size, int rank, int world_size)
    : rank_(rank), world_size_(world_size) {
  if (world_size == 1) {
    buckets_ = {{0, arena_size}};
    return;
  }
  const int64_t unit = kArenaBlock * world_size;
  const int64_t end = rounded_up(arena_size, unit);
  const int64_t step = rounded_up(bucket_size, unit);
  for (int64_t begin = 0; begin < end; begin += step) buckets_.push_back({begin, std::min(begin + step, end)});
}

ArenaRange Partition::slice(const ArenaRange& bucket) const {
  const int64_t size = (bucket.end - bucket.begin) / world_size_;
  return {bucket.begin + rank_ * size, bucket.begin + (rank_ + 1) * size};
}

std::vector<ArenaRange> Partition::mine() const {
  std::vector<ArenaRange> slices;
  slices.reserve(buckets_.size());
  for (const ArenaRange& bucket : buckets_) slices.push_back(slice(bucket));
  return slices;
}

}  // namespace strata::workers
