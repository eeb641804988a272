#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace strata::kernels {

/// cos and sin of position * theta^(-2j/d), j < d/2: fp32 [2, positions, d/2]. Computed in fp64.
void fill_rotary_table(const at::Tensor& table, double theta);

/// The positions of a batch's tokens, int32 and below the table's length, and that table.
struct Rotation {
  const at::Tensor& positions_N;
  const at::Tensor& table;
};

/// Gradients of queries [N, heads, d], and of keys and of values [N, kv heads, d]. A token's heads lie side by side.
struct QkvGradients {
  at::Tensor query_NHd, key_NKd, value_NKd;
};

/// Rotates the first `heads` heads of each row of heads_NW ([N, W], W >= heads * d, row stride W) in place, in
/// Hugging Face's rotate-half layout: the pair (j, j + d/2) by position * theta^(-2j/d). `inverse` rotates back, which
/// is the backward.
void rotate(const at::Tensor& heads_NW, int64_t heads, const Rotation& rotation, bool inverse);

/// The rows of qkv_NW from gradients, which may be views of it: what three copies and a rotation back would do.
void store_rotated_back(const at::Tensor& qkv_NW, const QkvGradients& gradients, const Rotation& rotation);

}  // namespace strata::kernels
