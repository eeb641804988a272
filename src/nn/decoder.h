#pragma once

#include <memory>
#include <vector>

#include "nn/attention.h"
#include "nn/branch_scales.h"
#include "nn/feed_forward.h"
#include "nn/junction.h"

namespace strata::nn {

/// The model between token ids and the head: a line of branches with a junction after each. It allocates nothing after
/// construction. Backward follows the forward of the same batch, once.
class Decoder {
 public:
  /// Keeps views of the parameters' arenas. The allocator is only used here.
  Decoder(const ModelSpec& spec, const Parameters& parameters, const BatchLimits& limits, config::Recompute recompute,
          Allocator& allocator);

  /// Gradients are where the parameters have them now.
  void bind_gradients(const Parameters& parameters);

  void forward(const Engine& engine, const data::TokenBatch& batch, const LayerObserver& observe = {});

  /// The forward pass of the next tokens of one row, after those that `cache` holds; the cache grows by them.
  void extend(std::vector<LayerCache>& cache, const Engine& engine, data::TokenBatch batch);

  const BatchLimits& limits() const { return limits_; }
  BranchScales& branch_scales() { return branch_scales_; }

  /// The final norm's output of the last forward, [N, D].
  at::Tensor output_ND(int64_t tokens) const;

  /// Where the gradient of output_ND is to be written before backward, [N, D].
  at::Tensor grad_output_ND(int64_t tokens) const { return grad_normed_ND_.narrow(0, 0, tokens); }

  /// Adds to the gradients of what is trained.
  void backward(const Engine& engine, const data::TokenBatch& batch, const FinalGradients& when_final = {});

  /// Sums of x and x^2 over each row of the stream that leaves a layer: fp32 [N, 2].
  at::Tensor row_sums_N2(int64_t layer, int64_t tokens) const;

  /// An empty cache for every layer, for a row of up to BatchLimits::longest_row tokens.
  std::vector<LayerCache> make_cache() const;

 private:
  struct Layer {
    Attention attention;
    std::unique_ptr<Junction> after_attention;
    FeedForward feed_forward;
    std::unique_ptr<Junction> after_feed_forward;
  };

  void check_fits(const data::TokenBatch& batch) const;
  const Junction& before(size_t layer) const;
  void embed(const Engine& engine, const data::TokenBatch& batch);
  void layer_forward(const Engine& engine, const data::TokenBatch& batch, size_t layer,
                     const LayerCache* cache = nullptr);
  void layer_backward(const Engine& engine, const data::TokenBatch& batch, size_t layer);

  BatchLimits limits_;
  config::Recompute recompute_;
  std::vector<ArenaRange> sections_, gradient_sections_;
  at::Tensor embedding_VD_, embedding_grad_VD_;
  AttentionWorkspace attention_workspace_;
  BranchScales branch_scales_;
  at::Tensor grad_stream_ND_, grad_normed_ND_, grad_branch_ND_;
  std::unique_ptr<Junction> entry_;
  std::vector<Layer> layers_;
};

}  // namespace strata::nn
