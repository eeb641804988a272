#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "strata/config/train.h"
#include "strata/nn/attention.h"
#include "strata/nn/feed_forward.h"
#include "strata/nn/junction.h"

namespace strata::nn {

/// Called when a section's gradients are final: nothing of this backward pass will write to them any more.
using FinalGradients = std::function<void(ArenaRange)>;

/// Sees the residual stream [N, D] that leaves a layer; it is only valid during the call.
using LayerObserver = std::function<void(int64_t layer, const at::Tensor& stream_ND)>;

/// The model between token ids and the head: a line of branches with a junction after each. It allocates nothing after
/// construction. Backward follows the forward of the same batch, once.
class Decoder {
 public:
  /// Keeps views of the parameters' arenas. The allocator is only used here.
  Decoder(const ModelSpec& spec, const Parameters& parameters, const BatchLimits& limits, config::Recompute recompute,
          Allocator& allocator);

  /// Gradients are where the parameters have them now.
  void bind_gradients(const Parameters& parameters);

  void forward(const Engine& engine, const data::TokenBatch& batch, const LayerObserver& observe = {}) const;

  /// The forward pass of the next tokens of one row, after those that `cache` holds; the cache grows by them.
  void extend(const Engine& engine, data::TokenBatch batch, std::vector<LayerCache>& cache) const;

  const BatchLimits& limits() const { return limits_; }

  /// The final norm's output of the last forward, [N, D].
  at::Tensor output_ND(int64_t tokens) const;

  /// Where the gradient of output_ND is to be written before backward, [N, D].
  at::Tensor grad_output_ND(int64_t tokens) const { return grad_normed_ND_.narrow(0, 0, tokens); }

  /// Adds to the gradients of what is trained.
  void backward(const Engine& engine, const data::TokenBatch& batch, const FinalGradients& when_final = {}) const;

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
  void embed(const Engine& engine, const data::TokenBatch& batch) const;
  void layer_forward(const Engine& engine, const data::TokenBatch& batch, size_t layer,
                     const LayerCache* cache = nullptr) const;
  void layer_backward(const Engine& engine, const data::TokenBatch& batch, size_t layer) const;

  BatchLimits limits_;
  config::Recompute recompute_;
  std::vector<ArenaRange> sections_, gradient_sections_;
  at::Tensor embedding_VD_, embedding_grad_VD_;
  AttentionWorkspace attention_workspace_;
  at::Tensor grad_stream_ND_, grad_normed_ND_, grad_branch_ND_;
  std::unique_ptr<Junction> entry_;
  std::vector<Layer> layers_;
};

}  // namespace strata::nn
