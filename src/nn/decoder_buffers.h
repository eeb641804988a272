#pragma once

#include <map>

#include "strata/nn/decoder.h"

namespace strata::nn {

/// Lays out the buffers that a decoder's layers keep from forward to backward.
///
/// Where layers are recomputed, all layers share one set, and only what enters a layer is kept for each. Where there
/// are no gradients nothing is kept at all.
class DecoderBuffers {
 public:
  DecoderBuffers(const ModelSpec& spec, at::ScalarType dtype, int64_t max_tokens, config::Recompute recompute,
                 bool gradients, Allocator& allocator);

  AttentionActivations attention(int64_t layer);
  at::Tensor gate_up_N2F(int64_t layer);
  const at::Tensor& feed_forward_activation_NF() const { return activation_NF_; }
  const at::Tensor& junction_scratch() const { return junction_scratch_; }

  JunctionBuffers entry();
  JunctionBuffers after_attention(int64_t layer);
  JunctionBuffers after_feed_forward(int64_t layer);

 private:
  // shared: whether recomputed layers may use one buffer for all of them.
  at::Tensor keep(const std::string& owner, const std::string& what, at::IntArrayRef shape, at::ScalarType dtype,
                  bool shared);
  JunctionBuffers junction(size_t index, const std::string& owner, bool leads_to_layer, bool recomputed);

  const ModelSpec& spec_;
  at::ScalarType dtype_;
  int64_t tokens_;
  config::Recompute recompute_;
  bool gradients_;
  Allocator& allocator_;
  std::map<std::string, at::Tensor> shared_;
  std::vector<AttentionActivations> shared_attention_;
  at::Tensor stream_ND_, branch_ND_;  // where nobody needs them in backward
  at::Tensor activation_NF_;
  at::Tensor junction_scratch_;
};

}  // namespace strata::nn
