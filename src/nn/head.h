#pragma once

#include "nn/engine.h"
#include "strata/data/token_batch.h"
#include "strata/nn/parameters.h"

namespace strata::nn {

/// The head and the loss as one operation: `chunk` positions at a time, logits become their own gradient, so the full
/// logits matrix never exists. Positions without a target cost nothing.
class Head {
 public:
  Head(const ModelSpec& spec, const Parameters& parameters, int64_t max_tokens, int64_t chunk, Allocator& allocator);

  /// The losses of all positions that have a target, and their gradient. normed_ND: the decoder's output.
  /// Adds the weight's gradient and writes grad_normed_ND, both times `scale` (1 / targets in the global batch; 0-dim
  /// fp64).
  void losses_and_gradient(const at::Tensor& grad_normed_ND, const Engine& engine, const data::TokenBatch& batch,
                           const at::Tensor& normed_ND, const at::Tensor& scale);

  /// The losses alone.
  void losses(const Engine& engine, const data::TokenBatch& batch, const at::Tensor& normed_ND);

  /// The losses just made, of the first so many scored positions: fp32 [T].
  at::Tensor losses_T(int64_t count) const { return loss_T_.narrow(0, 0, count); }

  /// `total` (0-dim fp64) grows by the sum of the losses just made, times `scale` where it is given.
  void add_losses(const at::Tensor& total, const data::TokenBatch& batch, const at::Tensor& scale) const;

  /// All logits, [N, vocabulary], in new memory.
  at::Tensor logits_NV(const Engine& engine, const at::Tensor& normed_ND) const;

 private:
  // The logits of positions [first, first + count) of those with a target, and the rows they came from.
  struct Chunk {
    at::Tensor positions_C, targets_C, normed_CD, logits_CV, loss_C;
  };
  Chunk chunk(const Engine& engine, const data::TokenBatch& batch, const at::Tensor& normed_ND, int64_t first);

  int64_t vocab_;
  at::Tensor weight_VD_, grad_VD_;  // with their padding, and so are the logits
  at::Tensor normed_CD_, logits_CV_, loss_T_;
  int64_t chunk_;
};

}  // namespace strata::nn
