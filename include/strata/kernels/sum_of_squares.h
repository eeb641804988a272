#pragma once

#include <ATen/core/Tensor.h>

namespace strata::kernels {

/// The sum of squares of each block of a flat fp32 or bf16 arena, in fp32, to squares_B. blocks_B2: int64, where a
/// block begins and how many elements it has: 0 to kArenaBlock. Bits do not depend on the number of threads, nor on
/// which other blocks there are.
void sums_of_squares(const at::Tensor& squares_B, const at::Tensor& flat, const at::Tensor& blocks_B2);

/// Some values of such an arena as fp32: values_G[g] = flat[places_G[g]], and 0 where that place is below 0.
void values_at(const at::Tensor& values_G, const at::Tensor& flat, const at::Tensor& places_G);

}  // namespace strata::kernels
