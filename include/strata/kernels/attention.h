#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace strata::kernels {

/// Heads of causal self-attention. Query head h reads key-value head h / (heads / kv_heads).
struct AttentionShape {
  int64_t heads = 1;
  int64_t kv_heads = 1;
  int64_t head_dim = 64;
};

/// fp32 scratch that attention over rows of at most `longest_row` tokens needs, all threads together: elements.
int64_t attention_scratch_size(const AttentionShape& shape, int64_t longest_row);

/// Causal attention inside each row, scores scaled by 1/sqrt(head_dim), softmax in fp32.
///
/// qkv_NW: [N, (heads + 2 kv_heads) head_dim], queries then keys then values, rotated already.
/// row_starts: R + 1 token indices from 0 to N. out_NA: [N, heads head_dim]. log_sum_HN: fp32 [heads, N], the log of
/// each softmax's denominator with its maximum, for the backward. Bits do not depend on other rows nor on threads.
void attention_forward(const AttentionShape& shape, const std::vector<int32_t>& row_starts, const at::Tensor& qkv_NW,
                       const at::Tensor& out_NA, const at::Tensor& log_sum_HN, const at::Tensor& scratch);

/// Gradients of queries, keys and values in place of their values in qkv_NW. grad_out_NA: dL/dout.
void attention_backward_in_place(const AttentionShape& shape, const std::vector<int32_t>& row_starts,
                                 const at::Tensor& grad_out_NA, const at::Tensor& log_sum_HN, const at::Tensor& qkv_NW,
                                 const at::Tensor& scratch);

/// Attention of the next tokens of one row whose first `past` tokens are in a cache, for generation and scoring.
///
/// qkv_NW: of the N new tokens, rotated by their positions past ... past + N - 1. Their keys and values are put into
/// keys_TK and values_TK ([at least past + N, kv_heads head_dim], of qkv's dtype) before anything is read.
void attention_over_cache(const AttentionShape& shape, int64_t past, const at::Tensor& qkv_NW,
                          const at::Tensor& keys_TK, const at::Tensor& values_TK, const at::Tensor& out_NA,
                          const at::Tensor& scratch);

}  // namespace strata::kernels
