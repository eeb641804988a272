#pragma once

#include <ATen/core/Tensor.h>

namespace strata::kernels {

// Sums in fp64 of what other kernels leave behind in fp32. Tensors are contiguous. The order is fixed: on the CPU one
// term after another, elsewhere a shape that depends on the sizes alone.

/// total += scale times the sum of values_T, rounded once. scale and total: 0-dim fp64; scale undefined: 1.
void add_sum(const at::Tensor& total, const at::Tensor& values_T, const at::Tensor& scale);

/// sums_K += every row of rows_NK. sums_K: fp64.
void add_rows(const at::Tensor& sums_K, const at::Tensor& rows_NK);

/// sums_P[p] = the sum of values_B[starts[p]] ... values_B[starts[p + 1] - 1]. starts_P1: int64, rising; sums_P: fp64.
void sums_of_runs(const at::Tensor& sums_P, const at::Tensor& values_B, const at::Tensor& starts_P1);

/// The sum of squares of each block of a flat fp32 or bf16 arena, in fp32, to squares_B. blocks_B2: int64, where a
/// block begins and how many elements it has: 0 to kArenaBlock. Bits do not depend on the number of threads, nor on
/// which other blocks there are.
void sums_of_squares(const at::Tensor& squares_B, const at::Tensor& flat, const at::Tensor& blocks_B2);

/// Some values of such an arena as fp32: values_G[g] = flat[places_G[g]], and 0 where that place is below 0.
void values_at(const at::Tensor& values_G, const at::Tensor& flat, const at::Tensor& places_G);

}  // namespace strata::kernels
