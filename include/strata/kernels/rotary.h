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

/// The rows of qkv_NW from gradients that lie apart: of queries [N, heads, d], of keys and of values [N, kv heads, d],
/// contiguous, the first two rotated back. What three copies and rotate() would do.
void store_rotated_back(const at::Tensor& qkv_NW, const at::Tensor& grad_query_NHd, const at::Tensor& grad_key_NKd,
                        const at::Tensor& grad_value_NKd, const at::Tensor& positions_N, const at::Tensor& table);

}  // namespace strata::kernels
