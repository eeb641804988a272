#pragma once

#include <cstdint>
#include <vector>

#include "strata/base/parameter.h"

namespace strata::workers {

/// How flat arenas are cut for workers: into buckets, which travel one at a time, and each bucket into one slice for
/// every worker. Slices consist of whole blocks (kArenaBlock), so that sums over blocks do not depend on the cut; where
/// some ranges are not to be cut, also of these.
class Partition {
 public:
  /// arena_size: elements of what is cut. Buckets have about `bucket_size` elements. whole: no cut goes through one of
  /// these, which rise; each begins and ends where a parameter does. Slices then differ, and some have nothing; buckets
  /// are large enough that each worker could have the largest range.
  Partition(int64_t arena_size, int64_t bucket_size, int rank, int world_size,
            const std::vector<ArenaRange>& whole = {});

  /// What arenas need to have so that the last bucket is whole; one worker: what they have.
  int64_t padded_size() const { return buckets_.back().end; }
  const std::vector<ArenaRange>& buckets() const { return buckets_; }
  /// This worker's slice of a bucket.
  ArenaRange slice(const ArenaRange& bucket) const;
  /// How large each worker's is.
  std::vector<int64_t> slice_sizes(const ArenaRange& bucket) const;
  /// Its slices of all buckets, rising; not those that have nothing.
  std::vector<ArenaRange> mine() const;

 private:
  int64_t cut_near(int64_t place) const;
  int64_t slice_begin(const ArenaRange& bucket, int worker) const;

  int rank_;
  int world_size_;
  std::vector<ArenaRange> whole_;
  std::vector<ArenaRange> buckets_;
};

}  // namespace strata::workers
