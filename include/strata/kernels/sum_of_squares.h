#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "strata/base/parameter.h"

namespace strata::kernels {

/// What lies of one range in one block of the arena (kArenaBlock).
struct RangeBlock {
  size_t range;
  int64_t begin;
  int64_t count;
};

/// The blocks of ranges of an arena, range by range.
std::vector<RangeBlock> blocks_of(const std::vector<ArenaRange>& ranges);

/// The sum of squares of each block of a flat fp32 or bf16 arena, in fp32, to squares[blocks]. Bits do not depend on
/// the number of threads, nor on which other blocks there are.
void sums_of_squares(const at::Tensor& flat, const std::vector<RangeBlock>& blocks, float* squares);

}  // namespace strata::kernels
