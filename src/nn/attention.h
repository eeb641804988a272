#pragma once

#include "nn/engine.h"
#include "strata/data/token_batch.h"
#include "strata/kernels/attention.h"
#include "strata/kernels/qkv_norm.h"
#include "strata/nn/model.h"

namespace strata::nn {

/// What all attention layers of a decoder share.
struct AttentionWorkspace {
  AttentionWorkspace(const ModelSpec& spec, at::ScalarType dtype, const BatchLimits& limits, bool gradients,
                     Allocator& allocator);

  const kernels::AttentionShape& shape() const { return kernel->shape(); }

  std::unique_ptr<kernels::Attention> kernel;
  at::Tensor rotary_table;  // cos and sin, fp32
  at::Tensor grad_out_NA;
  at::Tensor scratch;
  at::Tensor tree_scratch;  // where batches may be trees
  at::Tensor norm_scratch;  // where there are norms on queries, keys and values
  double norm_eps;
};

/// What a layer's attention keeps from forward to backward. N tokens, H heads, W = q, k and v side by side, A = H times
/// head dimension.
struct AttentionActivations {
  AttentionActivations(const ModelSpec& spec, at::ScalarType dtype, int64_t max_tokens, bool gradients,
                       const std::string& owner, Allocator& allocator);

  at::Tensor qkv_NW;
  at::Tensor raw_NV;  // what of it is normed, as it was before; undefined: nothing
  at::Tensor out_NA;
  at::Tensor log_sum_HN;
};

/// Causal self-attention with rotary positions, without norm and residual: branch = o(attention(q, k, v of normed)),
/// where q, k and v may have norms of their own (ModelSpec::attention_norms).
class Attention {
 public:
  Attention(const Parameters& parameters, int64_t layer, AttentionWorkspace& workspace,
            const AttentionActivations& activations);

  /// Its weights' gradients are where the parameters have them now; frozen weights have none.
  void bind_gradients(const Parameters& parameters);

  /// With a cache the batch is one row, the next tokens after those in the cache. Then, and after a batch whose rows
  /// continue others, no backward follows.
  void forward(const at::Tensor& branch_ND, const Engine& engine, const data::TokenBatch& batch,
               const at::Tensor& normed_ND, const LayerCache* cache = nullptr);
  /// Adds the weights' gradients where they have any; writes grad_normed_ND.
  void backward(const at::Tensor& grad_normed_ND, const Engine& engine, const data::TokenBatch& batch,
                const at::Tensor& normed_ND, const at::Tensor& grad_branch_ND);

 private:
  AttentionActivations batch_views(int64_t tokens) const;
  std::string norm_name(const char* which) const;

  int64_t layer_;
  at::Tensor qkv_weight_WD_, out_weight_DA_;
  at::Tensor qkv_grad_WD_, out_grad_DA_;
  AttentionWorkspace* workspace_;
  AttentionActivations activations_;
  kernels::QkvNorm norm_;
  kernels::QkvNormGradients norm_gradients_;
};

}  // namespace strata::nn
