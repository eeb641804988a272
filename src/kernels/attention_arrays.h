// What attention kernels on a device work on.
#pragma once

#include <cstdint>

#include "scalar.inl"

namespace strata::kernels {

/// Rows of `stride` elements: queries, then keys, then values of a token.
template <class T>
struct AttentionArrays {
  int64_t heads, kv_heads, head_dim;
  int64_t tokens, rows, longest_row;
  const int32_t* row_starts;  // [rows + 1]
  const T* qkv;               // [tokens, stride]
  int64_t stride;
  T* out;          // [tokens, heads, head_dim]
  float* log_sum;  // [heads, tokens]
};

template <class T>
struct AttentionGradients {
  const T* grad_out;  // [tokens, heads, head_dim]
  float* delta;       // [heads, tokens]: workspace
  float* grad_query;  // [tokens, heads, head_dim]: workspace
  T* qkv_gradient;    // qkv again: its values are replaced
};

}  // namespace strata::kernels
