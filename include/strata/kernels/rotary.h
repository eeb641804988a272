#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace strata::kernels {

/// cos and sin of position * theta^(-2j/d), j < d/2: fp32 [2, positions, d/2]. Computed in fp64.
void fill_rotary_table(const at::Tensor& table, double theta);

/// Rotates the first `heads` heads of each row of heads_NW ([N, W], W >= heads * d, row stride W) in place, in
/// Hugging Face's rotate-half layout: the pair (j, j + d/2) by position * theta^(-2j/d). `inverse` rotates back, which
/// is the backward. positions_N: int32, below the table's length.
void rotate(const at::Tensor& heads_NW, int64_t heads, const at::Tensor& positions_N, const at::Tensor& table,
            bool inverse);

}  // namespace strata::kernels
