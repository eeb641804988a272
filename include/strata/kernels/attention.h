#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "strata/kernels/rotary.h"

namespace strata::kernels {

/// Heads of causal self-attention. Query head h reads key-value head h / (heads / kv_heads).
struct AttentionShape {
  int64_t heads = 1;
  int64_t kv_heads = 1;
  int64_t head_dim = 64;
};

/// The rows of a batch of N tokens: R + 1 token indices from 0 to N.
struct AttentionRows {
  const std::vector<int32_t>& starts;
  at::Tensor starts_on_device;  // the same, int32; not needed on the CPU
  int64_t longest = 0;          // tokens
};

/// Causal attention inside each row, scores scaled by 1/sqrt(head_dim), softmax in fp32. Bits depend neither on other
/// rows nor on threads.
class Attention {
 public:
  explicit Attention(const AttentionShape& shape) : shape_(shape) {}
  virtual ~Attention() = default;

  virtual const char* name() const = 0;
  const AttentionShape& shape() const { return shape_; }

  /// fp32 scratch that batches of at most so many tokens need, in rows of at most so many: elements.
  virtual int64_t scratch_size(int64_t max_tokens, int64_t longest_row) const = 0;

  /// Bytes that it takes by itself while it computes such batches, of at most so many rows, at most.
  virtual int64_t bytes_of_its_own(int64_t /*max_tokens*/, int64_t /*longest_row*/, int64_t /*most_rows*/) const {
    return 0;
  }

  /// qkv_NW: [N, (heads + 2 kv_heads) head_dim], queries then keys then values, rotated already.
  /// out_NA: [N, heads head_dim]. log_sum_HN: fp32 [heads, N], the log of each softmax's denominator with its maximum,
  /// for the backward.
  virtual void forward(const at::Tensor& out_NA, const at::Tensor& log_sum_HN, const AttentionRows& rows,
                       const at::Tensor& qkv_NW, const at::Tensor& scratch) const = 0;

  /// Gradients of queries, keys and values in place of their values in qkv_NW. grad_out_NA: dL/dout; out_NA and
  /// log_sum_HN: what forward left.
  virtual void backward_in_place(const at::Tensor& qkv_NW, const AttentionRows& rows, const at::Tensor& grad_out_NA,
                                 const at::Tensor& out_NA, const at::Tensor& log_sum_HN,
                                 const at::Tensor& scratch) const = 0;

  /// The same gradients where they are made: there, as views of qkv_NW, or apart.
  virtual QkvGradients backward(const at::Tensor& qkv_NW, const AttentionRows& rows, const at::Tensor& grad_out_NA,
                                const at::Tensor& out_NA, const at::Tensor& log_sum_HN,
                                const at::Tensor& scratch) const;

 protected:
  /// Views of a batch's rows.
  QkvGradients parts_of(const at::Tensor& qkv_NW) const;

 private:
  AttentionShape shape_;
};

/// What computes attention on such a device, in such a storage type: on the CPU Strata's own; on CUDA in bf16
/// FlashAttention-2 as ATen has it, in fp32 Strata's own.
std::unique_ptr<Attention> make_attention(const AttentionShape& shape, at::DeviceType device, at::ScalarType dtype);

/// Rows that continue others: row r goes on after the first offsets[r] tokens of row parents[r], which stands before
/// it, and of what that one continues; -1 and 0: after nothing. See data::TokenBatch.
struct AttentionTree {
  const std::vector<int32_t>& starts;
  const std::vector<int32_t>& parents;
  const std::vector<int32_t>& offsets;
  int64_t longest = 0;  // tokens from a root to an end
};

/// Causal attention along each way through the tree, forward alone, on the CPU: the same bits as if every way were a
/// row of its own. qkv_NW and out_NA as for Attention::forward; scratch: fp32, of attention_tree_scratch elements.
void attention_over_tree(const at::Tensor& out_NA, const AttentionShape& shape, const AttentionTree& tree,
                         const at::Tensor& qkv_NW, const at::Tensor& scratch);
int64_t attention_tree_scratch(const AttentionShape& shape, int64_t max_tokens, int64_t longest_row);

/// Attention of the next tokens of one row whose first `past` tokens are in a cache, for generation and scoring.
///
/// qkv_NW: of the N new tokens, rotated by their positions past ... past + N - 1. Their keys and values are put into
/// keys_TK and values_TK ([at least past + N, kv_heads head_dim], of qkv's dtype) before anything is read.
void attention_over_cache(const at::Tensor& out_NA, const at::Tensor& keys_TK, const at::Tensor& values_TK,
                          const AttentionShape& shape, int64_t past, const at::Tensor& qkv_NW,
                          const at::Tensor& scratch);

}  // namespace strata::kernels
