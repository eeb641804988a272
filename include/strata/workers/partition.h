#pragma once

#include <cstdint>
#include <vector>

#include "strata/base/parameter.h"

namespace strata::workers {

/// How flat arenas are cut for workers: into buckets, which travel one at a time, and each bucket into one slice for
/// every worker. Slices consist of whole blocks (kArenaBlock), so that sums over blocks do not depend on the cut.
class Partition {
 public:
  /// arena_size: elements of what is cut. Buckets have about `bucket_size` elements.
  Partition(int64_t arena_size, int64_t bucket_size, int rank, int world_size);

  /// What arenas need to have so that the last bucket is whole; one worker: what they have.
  int64_t padded_size() const { return buckets_.back().end; }
  const std::vector<ArenaRange>& buckets() const { return buckets_; }
  /// This worker's slice of a bucket.
  ArenaRange slice(const ArenaRange& bucket) const;
  /// Its slices of all buckets, rising.
  std::vector<ArenaRange> mine() const;

 private:
  int rank_;
  int world_size_;
  std::vector<ArenaRange> buckets_;
};

}  // namespace strata::workers
