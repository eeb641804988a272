#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "strata/kernels/attention.h"
#include "strata/kernels/rotary.h"

namespace strata::kernels {

/// RMSNorms with gains on queries, keys and values, as attention reads them but before the rotation (QK-norm, arXiv
/// 2010.04245). A gain of as many elements as a head has is shared by all heads, of which each is normalised by itself;
/// one as wide as all heads side by side belongs to one norm over all of them. Undefined: no norm.
struct QkvNorm {
  AttentionShape shape;
  double eps = 1e-6;
  at::Tensor query_gain = {}, key_gain = {}, value_gain = {};

  bool any() const { return query_gain.defined() || key_gain.defined() || value_gain.defined(); }
};

/// The same gains' gradients, added to what is there; undefined: not wanted.
struct QkvNormGradients {
  at::Tensor query_gain = {}, key_gain = {}, value_gain = {};
};

/// Elements of a token's queries, keys and values that a norm changes.
int64_t qkv_normed_width(const QkvNorm& norm);

/// Norms and, behind them, the rotation of queries and keys. qkv_NW: [N, (heads + 2 kv_heads) head_dim], in place.
/// raw_NV: [N, qkv_normed_width], what stood there, for the backward; undefined: nothing is kept. Rounds between the
/// two and as junction_forward does.
void qkv_norm_forward(const at::Tensor& qkv_NW, const at::Tensor& raw_NV, const QkvNorm& norm,
                      const Rotation& rotation);

/// fp32 scratch that the backward over at most `tokens` tokens needs: elements.
int64_t qkv_norm_scratch_size(int64_t tokens, const QkvNorm& norm);

/// gradients: of what attention read, maybe views of qkv_NW, whose rows become gradients of what the norms read. Those
/// of the gains are added to gain_gradients; sums over tokens have a fixed shape.
void qkv_norm_backward(const at::Tensor& qkv_NW, const QkvGradients& gradients, const at::Tensor& raw_NV,
                       const QkvNorm& norm, const Rotation& rotation, const QkvNormGradients& gain_gradients,
                       const at::Tensor& scratch);

}  // namespace strata::kernels
