#pragma once

#include <cstdint>
#include <vector>

#include "strata/config/sft.h"
#include "strata/data/samples/samples.h"
#include "strata/data/token_batch.h"

namespace strata::data {

/// For each size in turn the first bin that still has room for it; bins hold `capacity`, no size is above it.
/// In O(n log n).
std::vector<int64_t> first_fit(const std::vector<int64_t>& sizes, int64_t capacity);

/// How training samples fill the blocks that a run is made of: each holds at most `capacity` tokens, and at least one
/// target (stretches of the stream without one are left out). A function of the samples and their order alone.
class SampleBlocks {
 public:
  /// `samples` must outlive it; none is longer than `capacity`.
  SampleBlocks(const std::vector<Sample>& samples, config::SamplePacking packing, int64_t capacity);

  int64_t size() const { return static_cast<int64_t>(blocks_.size()); }
  int64_t num_tokens(int64_t block) const { return blocks_[static_cast<size_t>(block)].tokens; }
  int64_t num_targets(int64_t block) const { return blocks_[static_cast<size_t>(block)].targets; }

  /// Puts the block's rows and their labels, not shifted (see TokenBatch::from_rows), behind `rows` and `labels`.
  void read(int64_t block, TokenRows& rows, TokenRows& labels) const;

 private:
  struct Piece {
    size_t sample = 0;
    IdRange ids = {};
  };
  struct Block {
    std::vector<Piece> pieces = {};
    int64_t tokens = 0;
    int64_t targets = 0;
  };

  void fit(int64_t capacity);
  void cut_stream(int64_t capacity);
  void add(const Piece& piece, Block& block) const;

  const std::vector<Sample>& samples_;
  bool is_stream_;
  std::vector<Block> blocks_;
};

/// The sample as a row of ids and one of labels.
void append_row(const Sample& sample, TokenRows& rows, TokenRows& labels);

}  // namespace strata::data
