#include "strata/workers/partition.h"

#include <algorithm>

namespace strata::workers {
namespace {

int64_t rounded_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

int64_t largest_of(const std::vector<ArenaRange>& ranges) {
  return ranges.empty() ? 0 : std::ranges::max(ranges, {}, &ArenaRange::size).size();
}

}  // namespace

Partition::Partition(int64_t arena_size, int64_t bucket_size, int rank, int world_size,
                     const std::vector<ArenaRange>& whole)
    : rank_(rank), world_size_(world_size), whole_(whole) {
  if (world_size == 1) {
    buckets_ = {{0, arena_size}};
    return;
  }
  const int64_t unit = kArenaBlock * world_size;
  const int64_t end = rounded_up(arena_size, unit);
  const int64_t step = rounded_up(std::max(bucket_size, largest_of(whole) * world_size), unit);
  for (int64_t begin = 0; begin < end; begin = buckets_.back().end) {
    buckets_.push_back({begin, std::min(cut_near(begin + step), end)});
  }
}

// The nearest place to cut at: between blocks, or where a range begins or ends that is not to be cut.
int64_t Partition::cut_near(int64_t place) const {
  const int64_t between_blocks = (place + kArenaBlock / 2) / kArenaBlock * kArenaBlock;
  const auto range = std::ranges::upper_bound(whole_, between_blocks, {}, &ArenaRange::end);
  if (range == whole_.end() || between_blocks <= range->begin) return between_blocks;
  return place - range->begin < range->end - place ? range->begin : range->end;
}

int64_t Partition::slice_begin(const ArenaRange& bucket, int worker) const {
  if (worker == 0) return bucket.begin;
  if (worker == world_size_) return bucket.end;
  return std::clamp(cut_near(bucket.begin + bucket.size() * worker / world_size_), bucket.begin, bucket.end);
}

ArenaRange Partition::slice(const ArenaRange& bucket) const {
  return {slice_begin(bucket, rank_), slice_begin(bucket, rank_ + 1)};
}

std::vector<int64_t> Partition::slice_sizes(const ArenaRange& bucket) const {
  std::vector<int64_t> sizes;
  for (int worker = 0; worker < world_size_; ++worker) {
    sizes.push_back(slice_begin(bucket, worker + 1) - slice_begin(bucket, worker));
  }
  return sizes;
}

std::vector<ArenaRange> Partition::mine() const {
  std::vector<ArenaRange> slices;
  for (const ArenaRange& bucket : buckets_) {
    if (slice(bucket).size() > 0) slices.push_back(slice(bucket));
  }
  return slices;
}

}  // namespace strata::workers
